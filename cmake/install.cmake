# What `cmake --install` puts where, and how other projects find it: find_package(sac) gives sac::sac
# (shared) and sac::static, pkg-config gives sac.
set(SAC_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/sac)

install(TARGETS sac_shared sac_static EXPORT sacTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET sac_program)
  install(TARGETS sac_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY include/sac DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(EXPORT sacTargets NAMESPACE sac:: DESTINATION ${SAC_CMAKE_DIR})
configure_package_config_file(cmake/sacConfig.cmake.in ${CMAKE_BINARY_DIR}/sacConfig.cmake
                              INSTALL_DESTINATION ${SAC_CMAKE_DIR})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/sacConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion) # 0.x: a minor version may break
install(FILES ${CMAKE_BINARY_DIR}/sacConfig.cmake ${CMAKE_BINARY_DIR}/sacConfigVersion.cmake
        DESTINATION ${SAC_CMAKE_DIR})

# relative to the folder of sac.pc itself, so that the installed tree may be moved
file(RELATIVE_PATH SAC_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/sac.pc.in ${CMAKE_BINARY_DIR}/sac.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/sac.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
