// skipped_entries.hpp: kinds are counted up to a limit and sorted when they are shown.
#include "input/skipped_entries.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/text.hpp"

namespace app {

void skipped_entries::add(const std::string& kind) {
    constexpr std::size_t max_kinds = 256, max_name = 16;
    ++total_;
    const std::string name = kind.empty() ? "without an extension" : kind.substr(0, max_name);
    if (kinds_.size() < max_kinds || kinds_.count(name) != 0) ++kinds_[name];
}

std::string skipped_entries::text() const {
    constexpr std::size_t max_shown = 6;
    std::vector<std::pair<std::string, std::size_t>> sorted{kinds_.begin(), kinds_.end()};
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string out = std::to_string(total_) + (total_ == 1 ? " other entry" : " other entries") + " skipped (";
    std::size_t shown = 0;
    for (std::size_t i = 0; i < sorted.size() && i < max_shown; ++i) {
        if (i != 0) out += ", ";
        const auto& [kind, count] = sorted[i];
        out += std::to_string(count) + ' ' + terminal_text(kind) + (kind == "folder" && count > 1 ? "s" : "");
        shown += count;
    }
    if (shown < total_) out += ", " + std::to_string(total_ - shown) + " more";
    return out + ')';
}

}  // namespace app
