# cmake -DPROJECT=... -P consume.cmake: installs cvt when the project looks for a package, then configures, builds and runs the project.
file(REMOVE_RECURSE ${BINARY_DIR}) # an earlier run must not hide a missing file
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(PROJECT MATCHES "find_package$")
  run(${CMAKE_COMMAND} --install ${CVT_BINARY_DIR} --config "${CONFIG}" --prefix ${BINARY_DIR}/prefix)
endif()
string(REPLACE ";" " " flags "${FLAGS}")
run(${CMAKE_COMMAND} -S ${PROJECT} -B ${BINARY_DIR} -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=${flags}"
    -DCMAKE_PREFIX_PATH=${BINARY_DIR}/prefix -DEigen3_DIR=${EIGEN} -DCVT_SOURCE_DIR=${CVT_SOURCE_DIR})
run(${CMAKE_COMMAND} --build ${BINARY_DIR})
run(${BINARY_DIR}/host)
