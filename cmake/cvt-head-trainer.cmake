# cvt::head_trainer: the compiled half of cvt/extra/head_trainer.hpp, with liblbfgs. Included by this repository and, installed, by
# find_package(cvt CONFIG COMPONENTS head_trainer).
find_path(CVT_LBFGS_INCLUDE_DIR lbfgs.h DOC "Folder that contains lbfgs.h (Debian: liblbfgs-dev)")
find_library(CVT_LBFGS_LIBRARY lbfgs DOC "liblbfgs (Debian: liblbfgs-dev)")
mark_as_advanced(CVT_LBFGS_INCLUDE_DIR CVT_LBFGS_LIBRARY)

# The source is in src/ in the repository, and beside this file when installed.
set(cvt_head_trainer_source ${CMAKE_CURRENT_LIST_DIR}/head_trainer.cpp)
if(NOT EXISTS ${cvt_head_trainer_source})
  set(cvt_head_trainer_source ${CMAKE_CURRENT_LIST_DIR}/../src/head_trainer.cpp)
endif()

# Without liblbfgs, classify learns prototypes only. A host that asks for cvt::head_trainer must have liblbfgs.
set(cvt_is_guest TRUE)
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_FIND_PACKAGE_NAME)
  set(cvt_is_guest FALSE)
endif()
set(cvt_has_lbfgs FALSE)
if(CVT_LBFGS_INCLUDE_DIR AND CVT_LBFGS_LIBRARY AND (cvt_is_guest OR NOT CMAKE_CROSSCOMPILING))
  set(cvt_has_lbfgs TRUE)
endif()
if(cvt_has_lbfgs OR NOT cvt_is_guest)
  if(NOT TARGET cvt_head_trainer)
    add_library(cvt_head_trainer STATIC EXCLUDE_FROM_ALL ${cvt_head_trainer_source})
    target_link_libraries(cvt_head_trainer PUBLIC cvt::cvt)
    if(cvt_has_lbfgs)
      target_include_directories(cvt_head_trainer SYSTEM PRIVATE ${CVT_LBFGS_INCLUDE_DIR})
      target_link_libraries(cvt_head_trainer PRIVATE ${CVT_LBFGS_LIBRARY})
    else()
      target_compile_definitions(cvt_head_trainer PRIVATE CVT_WITHOUT_LBFGS)
    endif()
    set_target_properties(cvt_head_trainer PROPERTIES POSITION_INDEPENDENT_CODE ON) # a host may be a shared library
    add_library(cvt::head_trainer ALIAS cvt_head_trainer)
  endif()
elseif(NOT CMAKE_FIND_PACKAGE_NAME)
  message(FATAL_ERROR "CVT_HEAD_TRAINER: liblbfgs was not found (Debian: liblbfgs-dev)")
endif()
