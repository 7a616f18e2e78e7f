// paths.hpp for POSIX systems and Windows.
#include "common/paths.hpp"

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#endif

namespace app {

#ifdef _WIN32

// Invalid UTF-8 or UTF-16 becomes U+FFFD, so that the name does not exist.
std::filesystem::path path_of(const std::string& text) {
    std::wstring wide(text.size(), L'\0');
    const int size =
        ::MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), wide.data(), static_cast<int>(wide.size()));
    wide.resize(static_cast<std::size_t>(size));
    return wide;
}

std::string text_of(const std::filesystem::path& path) {
    std::string out(3 * path.native().size(), '\0');
    const int bytes = ::WideCharToMultiByte(CP_UTF8, 0, path.c_str(), static_cast<int>(path.native().size()), out.data(),
                                            static_cast<int>(out.size()), nullptr, nullptr);
    out.resize(static_cast<std::size_t>(bytes));
    return out;
}

#else

std::filesystem::path path_of(const std::string& text) { return text; }
std::string text_of(const std::filesystem::path& path) { return path.native(); }

#endif

}  // namespace app
