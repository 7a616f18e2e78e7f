// What a folder holds beside pictures, counted by kind, for the one line that says so.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "escape.hpp"

namespace app {

class passed_over {
public:
    /// `kind`: a file's extension in small letters, or "folder", or what else it is; "" for a name without an extension.
    void add(const std::string& kind) {
        ++total_;
        constexpr std::size_t most_kinds = 256, longest = 16;  // a folder of any size must hardly show in the program's memory
        const std::string name = kind.empty() ? "without an extension" : kind.substr(0, longest);
        if (kinds_.size() < most_kinds || kinds_.count(name) != 0) ++kinds_[name];
    }
    [[nodiscard]] std::size_t total() const { return total_; }
    /// "3 other entries skipped (2 .txt, 1 folder)": the most frequent kinds first, and not all of many.
    [[nodiscard]] std::string text() const {
        std::vector<std::pair<std::string, std::size_t>> sorted{kinds_.begin(), kinds_.end()};
        std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
        std::string out = std::to_string(total_) + (total_ == 1 ? " other entry" : " other entries") + " skipped (";
        std::size_t named = 0;
        constexpr std::size_t shown = 6;
        for (std::size_t i = 0; i < sorted.size() && i < shown; ++i) {
            if (i != 0) out += ", ";
            out += std::to_string(sorted[i].second) + ' ' + terminal_text(sorted[i].first);
            named += sorted[i].second;
        }
        if (named < total_) out += ", " + std::to_string(total_ - named) + " more";
        return out + ')';
    }

private:
    std::map<std::string, std::size_t> kinds_;
    std::size_t total_ = 0;
};

}  // namespace app
