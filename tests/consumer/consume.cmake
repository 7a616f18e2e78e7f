# cmake -DPROJECT=... -P consume.cmake: installs cvt if the project needs a package, then builds and runs the project: its
# `host` and `learn`, and its `minimal` (the README's program, with the built-in model's files and a photo).
file(REMOVE_RECURSE ${BINARY_DIR}) # an earlier run must not hide a missing file
file(MAKE_DIRECTORY ${BINARY_DIR})
function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${BINARY_DIR} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(prefix ${BINARY_DIR}/prefix)
if(PROJECT MATCHES "(find_package|pkg_config)$")
  run(${CMAKE_COMMAND} --install ${CVT_BINARY_DIR} --config "${CONFIG}" --prefix ${prefix})
endif()
string(REPLACE ";" " " flags "${FLAGS}")
if(EXISTS ${PROJECT}/Makefile)
  set(ENV{PKG_CONFIG_PATH} "${prefix}/share/pkgconfig:$ENV{PKG_CONFIG_PATH}")
  run(make -f ${PROJECT}/Makefile CVT_SOURCE_DIR=${CVT_SOURCE_DIR} CXX=${COMPILER} "CXXFLAGS=${flags}" EIGEN=${EIGEN_INCLUDE})
else()
  run(${CMAKE_COMMAND} -S ${PROJECT} -B ${BINARY_DIR} -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=${flags}"
      -DCMAKE_PREFIX_PATH=${prefix} -DEigen3_DIR=${EIGEN} -DCVT_STB_INCLUDE_DIR=${STB} -DCVT_SOURCE_DIR=${CVT_SOURCE_DIR})
  run(${CMAKE_COMMAND} --build ${BINARY_DIR})
endif()

foreach(program host learn)
  if(EXISTS ${BINARY_DIR}/${program})
    run(${BINARY_DIR}/${program})
  endif()
endforeach()
if(EXISTS ${BINARY_DIR}/minimal)
  execute_process(COMMAND ${BINARY_DIR}/minimal ${CVT_SOURCE_DIR}/weights ${CVT_SOURCE_DIR}/examples/images/golf_ball.png
                  OUTPUT_VARIABLE classes COMMAND_ERROR_IS_FATAL ANY)
  message("${classes}")
  if(NOT classes MATCHES "^ *[0-9.]+ %  golf ball\n")
    message(FATAL_ERROR "expected a golf ball first, found:\n${classes}")
  endif()
elseif(NOT EXISTS ${BINARY_DIR}/host)
  message(FATAL_ERROR "the project built neither host nor minimal")
endif()
