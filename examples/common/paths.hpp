// File names as text, in the encoding that arguments, records and the library use: bytes on POSIX, UTF-8 on Windows.
#pragma once

#include <filesystem>
#include <string>

namespace app {

/// std::filesystem would take the text for the ANSI code page on Windows.
std::filesystem::path path_of(const std::string& text);
std::string text_of(const std::filesystem::path& path);

}  // namespace app
