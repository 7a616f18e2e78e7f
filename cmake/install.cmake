# Install rules: headers, a package that find_package(cvt CONFIG) finds, and cvt.pc for pkg-config.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(cvt_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cvt)

install(TARGETS cvt EXPORT cvt)
install(DIRECTORY include/cvt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp" PATTERN "*.inl")
install(EXPORT cvt NAMESPACE cvt:: FILE cvt-targets.cmake DESTINATION ${cvt_package_dir})

configure_package_config_file(cmake/cvt-config.cmake.in cvt-config.cmake INSTALL_DESTINATION ${cvt_package_dir})
write_basic_package_version_file(cvt-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cvt-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/cvt-config-version.cmake cmake/cvt-decode.cmake
              cmake/cvt-formats.cmake cmake/cvt-head-trainer.cmake cmake/cvt-sound.cmake src/decode.cpp src/head_trainer.cpp src/sound.cpp
        DESTINATION ${cvt_package_dir})
install(DIRECTORY src/head_trainer DESTINATION ${cvt_package_dir}) # the headers of head_trainer.cpp

# The prefix is only known when installing (cmake --install --prefix), so cvt.pc derives it from its own location.
set(cvt_pkgconfig_dir ${CMAKE_INSTALL_DATADIR}/pkgconfig)
file(RELATIVE_PATH cvt_prefix_from_pc /${cvt_pkgconfig_dir} /)
string(REGEX REPLACE "/$" "" cvt_prefix_from_pc ${cvt_prefix_from_pc})
configure_file(cmake/cvt.pc.in cvt.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cvt.pc DESTINATION ${cvt_pkgconfig_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
