// class_names: finds the class that the name of a folder or a label in a list stands for.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace app {

/// A form that all spellings of a label share. They differ in the case of ASCII letters, in blanks or in underscores: "French_horn"
/// and "french horn".
std::string spelled_alike(const std::string& label);

class class_names {
public:
    /// `labels` by class index. `file` (empty: none) has a line for each name: the name, then a label or an index. If all lines are
    /// only names, line n names class n. Throws failure (wrong_usage) if the file cannot be used.
    class_names(const std::vector<std::string>& labels, const std::string& file);

    /// How a number given as a label was interpreted.
    enum class number_kind { none, label, index };
    /// The class of a name, or a message that says why there is none.
    struct match {
        std::optional<std::size_t> index;
        std::string why_not;
        number_kind taken_for = number_kind::none;
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
    std::unordered_map<std::string, line> lines_;                      // by name
    std::unordered_map<std::string, std::vector<std::size_t>> whole_;  // classes by label
    std::unordered_map<std::string, std::vector<std::size_t>> first_;  // by the first of a label's synonyms
};

}  // namespace app
