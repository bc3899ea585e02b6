# Finds MuJoCo: the target MuJoCo::MuJoCo, MuJoCo_VERSION, and MuJoCo_LIBRARY_DIR to put on an rpath.
#
# Looked for in this order: the folder MUJOCO_DIR (-DMUJOCO_DIR=...), .deps/mujoco (script/setup), a
# CMake package of MuJoCo's own, the folder of Python's module `mujoco`, which is asked for and not
# imported. A folder is one with include/mujoco/mujoco.h and libmujoco.so* in it, in lib/ or in
# ../lib/, as the wheel mujoco-core, MuJoCo's release archive and a system's packages have it.
include(FindPackageHandleStandardArgs)

set(MUJOCO_DIR "" CACHE PATH "MuJoCo's folder, with include/ and the library; empty: search")

# the library of a folder is versioned in the wheel, which has no libmujoco.so
function(mujoco_look folder)
  file(GLOB libraries ${folder}/libmujoco.so* ${folder}/lib/libmujoco.so* ${folder}/lib/*/libmujoco.so*)
  if(libraries AND EXISTS ${folder}/include/mujoco/mujoco.h)
    list(GET libraries 0 library)
    set(MuJoCo_LIBRARY ${library} PARENT_SCOPE)
    set(MuJoCo_INCLUDE_DIR ${folder}/include PARENT_SCOPE)
  endif()
endfunction()

set(MuJoCo_LIBRARY)
set(MuJoCo_INCLUDE_DIR)
if(MUJOCO_DIR)
  mujoco_look(${MUJOCO_DIR})
  if(NOT MuJoCo_LIBRARY)
    message(FATAL_ERROR "MUJOCO_DIR=${MUJOCO_DIR} has no include/mujoco/mujoco.h or no libmujoco.so*")
  endif()
else()
  mujoco_look(${CMAKE_SOURCE_DIR}/.deps/mujoco)
endif()
if(NOT MuJoCo_LIBRARY)
  find_package(mujoco CONFIG QUIET)
  if(TARGET mujoco::mujoco)
    get_target_property(MuJoCo_INCLUDE_DIR mujoco::mujoco INTERFACE_INCLUDE_DIRECTORIES)
    get_target_property(MuJoCo_LIBRARY mujoco::mujoco LOCATION)
  endif()
endif()
if(NOT MuJoCo_LIBRARY)
  find_program(MuJoCo_PYTHON python3)
  mark_as_advanced(MuJoCo_PYTHON)
  if(MuJoCo_PYTHON)
    execute_process(
      COMMAND ${MuJoCo_PYTHON} -c "import importlib.util as u; s = u.find_spec('mujoco'); print(s.submodule_search_locations[0] if s else '')"
      OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(folder)
      mujoco_look(${folder})
    endif()
  endif()
endif()

if(MuJoCo_INCLUDE_DIR)
  # 4000000 is 4.0.0; old versions were three digits, 236 for 2.3.6, and come out below 1.0.0
  file(STRINGS ${MuJoCo_INCLUDE_DIR}/mujoco/mujoco.h line REGEX "#define mjVERSION_HEADER +[0-9]+")
  string(REGEX REPLACE ".*mjVERSION_HEADER +([0-9]+).*" "\\1" number "${line}")
  math(EXPR major "${number} / 1000000")
  math(EXPR minor "${number} / 1000 % 1000")
  math(EXPR patch "${number} % 1000")
  set(MuJoCo_VERSION ${major}.${minor}.${patch})
endif()

find_package_handle_standard_args(MuJoCo REQUIRED_VARS MuJoCo_LIBRARY MuJoCo_INCLUDE_DIR
                                  VERSION_VAR MuJoCo_VERSION)
if(MuJoCo_FOUND AND NOT TARGET MuJoCo::MuJoCo)
  get_filename_component(MuJoCo_LIBRARY_DIR ${MuJoCo_LIBRARY} DIRECTORY)
  add_library(MuJoCo::MuJoCo SHARED IMPORTED GLOBAL)
  set_target_properties(MuJoCo::MuJoCo PROPERTIES IMPORTED_LOCATION ${MuJoCo_LIBRARY}
                                                  INTERFACE_INCLUDE_DIRECTORIES ${MuJoCo_INCLUDE_DIR})
endif()
