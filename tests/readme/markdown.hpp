// Reads the parts of Markdown that the README's tests need: fenced blocks, links, headings, inline code.
#pragma once

#include <cctype>
#include <filesystem>
#include <string>
#include <vector>

#include "support/text_files.hpp"

namespace cvt_test {

namespace fs = std::filesystem;

/// The first group of every match of `pattern`, a std::regex, in a text.
std::vector<std::string> matches(const std::string& text, const char* pattern);

struct block {
    std::string language, text;
};

struct markdown {
    std::vector<block> blocks;  ///< ```language ... ```
    std::string prose;          ///< everything else

    explicit markdown(const fs::path& path) {
        bool inside = false;
        for (const std::string& line : lines_of(read_file(path))) {
            const std::size_t indent = line.find_first_not_of(' ');
            const bool fence = indent != std::string::npos && line.compare(indent, 3, "```") == 0;
            if (fence && !inside) blocks.push_back({line.substr(indent + 3), ""});
            if (!fence) (inside ? blocks.back().text : prose) += line + '\n';
            if (fence) inside = !inside;
        }
    }

    [[nodiscard]] std::vector<std::string> blocks_in(const std::string& language) const {
        std::vector<std::string> found;
        for (const block& b : blocks)
            if (b.language == language) found.push_back(b.text);
        return found;
    }

    [[nodiscard]] std::vector<std::string> links() const { return matches(prose, R"(\]\(([^)\s]+)\))"); }
    [[nodiscard]] std::vector<std::string> code_spans() const { return matches(prose, "`([^`\n]+)`"); }

    /// The link targets of the headings: `## The same pixels` is #the-same-pixels.
    [[nodiscard]] std::vector<std::string> anchors() const {
        std::vector<std::string> found;
        for (const std::string& heading : matches(prose, "(?:^|\n)#+ ([^\n]+)")) {
            std::string anchor;
            for (const char c : heading) {
                const auto letter = static_cast<unsigned char>(c);
                if (std::isalnum(letter) != 0 || c == '-' || c == '_') anchor += static_cast<char>(std::tolower(letter));
                if (c == ' ') anchor += '-';
            }
            found.push_back(anchor);
        }
        return found;
    }
};

}  // namespace cvt_test
