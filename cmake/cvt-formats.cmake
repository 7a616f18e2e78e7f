# An option for each format that cvt::decode reads through a library, besides JPEG and PNG. Included by cvt-decode.cmake, which sets
# cvt_decode_target and cvt_is_guest.

# cvt_find_library(<NAME> <header> <library>...): sets CVT_<NAME>_INCLUDE_DIR, CVT_<NAME>_LIBRARIES and CVT_<NAME>_FOUND.
function(cvt_find_library name header)
  find_path(CVT_${name}_INCLUDE_DIR ${header})
  set(libraries)
  set(found ${CVT_${name}_INCLUDE_DIR})
  foreach(library ${ARGN})
    find_library(CVT_${name}_${library} ${library})
    mark_as_advanced(CVT_${name}_${library})
    list(APPEND libraries ${CVT_${name}_${library}})
    if(NOT CVT_${name}_${library})
      set(found)
    endif()
  endforeach()
  mark_as_advanced(CVT_${name}_INCLUDE_DIR)
  # libtiff 4.5 can be silenced without setting the handlers of the whole program; libheif 1.13 can be told to start no threads.
  if(found AND name STREQUAL TIFF)
    file(STRINGS ${CVT_TIFF_INCLUDE_DIR}/tiffio.h found REGEX TIFFOpenOptionsAlloc)
  elseif(found AND name STREQUAL HEIF)
    file(STRINGS ${CVT_HEIF_INCLUDE_DIR}/libheif/heif.h found REGEX heif_context_set_max_decoding_threads)
  endif()
  set(CVT_${name}_LIBRARIES ${libraries} PARENT_SCOPE)
  set(CVT_${name}_FOUND ${found} PARENT_SCOPE)
endfunction()

# cvt_add_format(<NAME> <formats> <Debian package> <header> <library>...): adds the option CVT_WITH_<NAME>. It is on for this
# repository's classify if these libraries, libjpeg-turbo and libpng are found. A host that sets it must have them. It is off when
# cross-compiling.
set(cvt_formats) # the names of the enabled formats
macro(cvt_add_format name formats package)
  if(cvt_is_guest OR CMAKE_CROSSCOMPILING OR NOT TARGET cvt_codecs)
    option(CVT_WITH_${name} "Decode ${formats} (Debian: ${package})" OFF)
  else()
    option(CVT_WITH_${name} "Let classify decode ${formats} where the libraries are found (Debian: ${package})" ON)
  endif()
  if(CVT_WITH_${name})
    cvt_find_library(${name} ${ARGN})
    if(CVT_${name}_FOUND)
      list(APPEND cvt_formats ${name})
    elseif(cvt_is_guest)
      message(FATAL_ERROR "CVT_WITH_${name}: the libraries for ${formats} were not found (Debian: ${package})")
    endif()
  endif()
endmacro()

# cvt_use_formats(<target>): compiles the target with the decoders of these formats, and links their libraries.
function(cvt_use_formats target)
  foreach(name ${cvt_formats})
    target_compile_definitions(${target} PRIVATE CVT_WITH_${name})
    target_include_directories(${target} SYSTEM PRIVATE ${CVT_${name}_INCLUDE_DIR})
    target_link_libraries(${target} PRIVATE ${CVT_${name}_LIBRARIES})
  endforeach()
endfunction()

cvt_add_format(WEBP "WebP" libwebp-dev webp/decode.h webp)
cvt_add_format(HEIF "HEIC and AVIF" libheif-dev libheif/heif.h heif de265 dav1d)
cvt_add_format(GIF "GIF" libgif-dev gif_lib.h gif)
cvt_add_format(TIFF "TIFF" libtiff-dev tiffio.h tiff)
cvt_use_formats(${cvt_decode_target})
