# Compiles for WebAssembly with Debian's clang++ 19, wasi-libc and libc++. The compiler must not search /usr/include: the
# platform-independent headers are linked from a separate folder.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
foreach(headers stb)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include)
  file(CREATE_LINK /usr/include/${headers} ${CMAKE_BINARY_DIR}/include/${headers} SYMBOLIC)
endforeach()
set(CMAKE_INCLUDE_PATH ${CMAKE_BINARY_DIR}/include)
