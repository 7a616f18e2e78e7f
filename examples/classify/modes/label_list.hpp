// label_list: reads a list of photos and labels: lines of text, CSV with a header, or Tiny ImageNet's annotations.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace app {

struct label_list {
    enum class format {
        text,         ///< a path, then a label after the last tab of the line, or after the last space if there is no tab
        csv,          ///< a file named .csv, with columns named in its header; photos may lack their file extension
        annotations,  ///< val_annotations.txt: a name, a WordNet id and a box of four numbers, separated by tabs
    };
    struct entry {
        std::size_t line;  ///< from 1
        std::string photo, label;
    };
    format type = format::text;
    std::vector<entry> entries;  ///< at least one
};

/// Throws failure (wrong_usage), with the file and the line in the message.
label_list read_label_list(const std::string& file);

}  // namespace app
