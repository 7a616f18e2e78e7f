# cvt_stb: the implementation behind cvt/extra/decode.hpp, compiled as that header asks. Hosts that decode have such a source of their own.
find_path(CVT_STB_INCLUDE_DIR stb/stb_image.h REQUIRED DOC "Folder that holds stb/stb_image.h (Debian: libstb-dev)")
mark_as_advanced(CVT_STB_INCLUDE_DIR)

add_library(cvt_stb STATIC ${CMAKE_CURRENT_LIST_DIR}/decode.cpp)
target_link_libraries(cvt_stb PUBLIC cvt::cvt PRIVATE cvt_warnings)
target_include_directories(cvt_stb SYSTEM PRIVATE ${CVT_STB_INCLUDE_DIR})
target_compile_options(cvt_stb PRIVATE -fwrapv)
