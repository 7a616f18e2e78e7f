// A file that says which photo shows which class: lines of a path and a label, CSV with a header, Tiny ImageNet's annotations.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace app {

struct label_list {
    enum class format {
        text,         ///< a path, then a label: behind the line's last tab, or where there is none behind its last blank
        csv,          ///< a file called .csv: columns found by their header; photos may lack the ending of their names
        annotations,  ///< val_annotations.txt: a name, a WordNet id and a box of four numbers between tabs
    };
    struct entry {
        std::size_t line;  ///< from 1
        std::string photo, label;
    };
    format type = format::text;
    std::vector<entry> entries;  ///< at least one
};

/// Throws failure (wrong_usage) that names the file and the line.
label_list read_label_list(const std::string& file);

}  // namespace app
