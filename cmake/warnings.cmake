# cvt_warnings: the warnings for this repository's own programs, all of them errors. Hosts do not get them.
add_library(cvt_warnings INTERFACE)
target_compile_options(cvt_warnings INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:-Wall -Wextra -Wpedantic -Wconversion
                                              -Wsign-conversion -Wshadow -Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # std::string's operator+ sets it off at -O3: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105651
  target_compile_options(cvt_warnings INTERFACE -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  target_compile_options(cvt_warnings INTERFACE -Wno-maybe-uninitialized) # <regex> sets it off
endif()
