// Converts file names from and to the encoding of arguments, records and the library: bytes on POSIX, UTF-8 on Windows.
#pragma once

#include <filesystem>
#include <string>

namespace app {

/// std::filesystem would read the text in the ANSI code page on Windows.
std::filesystem::path path_of(const std::string& text);
std::string text_of(const std::filesystem::path& path);

}  // namespace app
