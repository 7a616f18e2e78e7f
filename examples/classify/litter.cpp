// Knows litter by its name alone.
#include "litter.hpp"

#include <algorithm>
#include <cctype>

namespace app {
namespace {

bool same_but_for_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool has_name_of_litter(std::string_view name) {
    return same_but_for_case(name, "__MACOSX") || same_but_for_case(name, "@eaDir") || same_but_for_case(name, "Thumbs.db");
}

}  // namespace

bool is_litter(std::string_view name) { return name.starts_with('.') || has_name_of_litter(name); }

bool is_litter_member(std::string_view path) {
    for (std::size_t end; (end = path.find('/')) != std::string_view::npos; path.remove_prefix(end + 1))
        if (has_name_of_litter(path.substr(0, end))) return true;
    return is_litter(path);
}

}  // namespace app
