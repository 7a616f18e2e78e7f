// Counts, by kind, the entries of a folder that are not inputs, for the one line that reports them.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace app {

class skipped_entries {
public:
    /// `kind`: a file extension in lower case, "folder" or "pipe or device"; empty for a name without an extension.
    void add(const std::string& kind);
    [[nodiscard]] std::size_t total() const { return total_; }
    /// "3 other entries skipped (2 .txt, 1 folder)", the most frequent kinds first, at most six of them.
    [[nodiscard]] std::string text() const;

private:
    std::map<std::string, std::size_t> kinds_;  // bounded, since a folder may hold any number
    std::size_t total_ = 0;
};

}  // namespace app
