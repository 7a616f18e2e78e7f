# cvt::decode: the compiled half of cvt/extra/decode.hpp, a library with stb_image in it, built as that header asks. Included here
# and, installed, by find_package(cvt CONFIG COMPONENTS decode).
find_path(CVT_STB_INCLUDE_DIR stb/stb_image.h DOC "Folder that holds stb/stb_image.h (Debian: libstb-dev)")
mark_as_advanced(CVT_STB_INCLUDE_DIR)

if(NOT TARGET cvt_stb AND CVT_STB_INCLUDE_DIR)
  add_library(cvt_stb STATIC EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/decode.cpp)
  add_library(cvt::decode ALIAS cvt_stb)
  target_link_libraries(cvt_stb PUBLIC cvt::cvt)
  target_include_directories(cvt_stb SYSTEM PRIVATE ${CVT_STB_INCLUDE_DIR})
  target_compile_options(cvt_stb PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:-fwrapv>)
  set_target_properties(cvt_stb PROPERTIES POSITION_INDEPENDENT_CODE ON) # a host may be a shared library
endif()
if(NOT TARGET cvt_stb AND NOT CMAKE_FIND_PACKAGE_NAME)
  message(FATAL_ERROR "stb/stb_image.h was not found (Debian: libstb-dev); CVT_STB_INCLUDE_DIR names the folder that holds stb/")
endif()
