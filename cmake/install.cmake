# Install rules: headers, and a package that find_package(cvt CONFIG) finds.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(cvt_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cvt)

install(TARGETS cvt EXPORT cvt)
install(DIRECTORY include/cvt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp" PATTERN "*.inl")
install(EXPORT cvt NAMESPACE cvt:: FILE cvt-targets.cmake DESTINATION ${cvt_package_dir})

configure_package_config_file(cmake/cvt-config.cmake.in cvt-config.cmake INSTALL_DESTINATION ${cvt_package_dir})
write_basic_package_version_file(cvt-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cvt-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/cvt-config-version.cmake DESTINATION ${cvt_package_dir})
