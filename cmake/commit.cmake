# Writes OUT, a header with the commit of the tree at SOURCE, "-dirty" after it if tracked files differ
# from the commit. Run at every build; the file changes only if the text does, so that nothing is
# rebuilt for nothing.
cmake_minimum_required(VERSION 3.20)
find_program(GIT git)
set(commit "")
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE commit
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  # --no-optional-locks: a build must not get in the way of a git command beside it
  execute_process(COMMAND ${GIT} --no-optional-locks -C ${SOURCE} status --porcelain
                          --untracked-files=no OUTPUT_VARIABLE changes ERROR_QUIET)
endif()
if(commit STREQUAL "")
  set(commit unknown)
elseif(changes)
  string(APPEND commit -dirty)
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "#define SAC_COMMIT \"@commit@\"\n" @ONLY)
