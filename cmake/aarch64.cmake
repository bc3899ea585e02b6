# For CMAKE_TOOLCHAIN_FILE: 64-bit ARM from any other machine, its programs run by qemu-user. The libraries
# come from .deps/aarch64, where script/cross puts them.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

get_filename_component(SAC_ARM ${CMAKE_CURRENT_LIST_DIR}/../.deps/aarch64 ABSOLUTE)
set(ENV{PKG_CONFIG_LIBDIR} ${SAC_ARM}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${SAC_ARM})
set(CMAKE_C_FLAGS_INIT "-isystem ${SAC_ARM}/usr/include")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath,${SAC_ARM}/usr/lib/aarch64-linux-gnu")
