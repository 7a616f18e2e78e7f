// Which class a folder of an evaluation holds: by the model's labels, by index, or by a mapping file.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace app {

class class_folders {
public:
    /// `labels` by class index. `file` (empty: none) has a line for each folder: its name, then a label or an index, or
    /// nothing where line n is class n. Throws failure (wrong_usage) when it cannot be used.
    class_folders(const std::vector<std::string>& labels, const std::string& file);

    /// The class of a folder called `name`, or a sentence that says why there is none.
    struct match {
        std::optional<std::size_t> index;
        std::string why_not;
    };
    [[nodiscard]] match find(const std::string& name) const;

private:
    struct line {
        std::string rest;
        std::size_t number;
    };

    void read(const std::string& file);
    [[nodiscard]] match find_label(const std::string& text, std::optional<std::size_t> line_number) const;

    const std::vector<std::string>& labels_;
    std::string file_;
    std::unordered_map<std::string, line> lines_;                      // by folder
    std::unordered_map<std::string, std::vector<std::size_t>> whole_;  // classes by label
    std::unordered_map<std::string, std::vector<std::size_t>> first_;  // by the first of a label's synonyms
};

}  // namespace app
