# cvt_warnings: the warnings this repository's own programs are compiled with, all of them errors. Hosts never see it.
add_library(cvt_warnings INTERFACE)
target_compile_options(cvt_warnings INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:-Wall -Wextra -Wpedantic -Wconversion
                                              -Wsign-conversion -Wshadow -Werror>)
