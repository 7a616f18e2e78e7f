# Cross-compiles for Windows with Debian's MinGW-w64. Its compiler does not search /usr/include, and must not: the
# platform-independent headers are linked from a separate folder.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
foreach(headers CLI stb)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include)
  file(CREATE_LINK /usr/include/${headers} ${CMAKE_BINARY_DIR}/include/${headers} SYMBOLIC)
endforeach()
set(CMAKE_INCLUDE_PATH ${CMAKE_BINARY_DIR}/include)
