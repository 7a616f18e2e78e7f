// text_lines.hpp: refuses UTF-16, and NUL bytes, which mean a binary file.
#include "common/text_lines.hpp"

#include <fstream>

#include "common/failure.hpp"
#include "common/paths.hpp"

namespace app {

std::vector<text_line> read_lines(const std::string& option, const std::string& file) {
    std::ifstream stream{path_of(file), std::ios::binary};
    std::vector<text_line> lines;
    for (std::string text; std::getline(stream, text);) {
        const std::size_t number = lines.size() + 1;
        if (number == 1 && text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
        if (number == 1 && (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")))
            throw failure{wrong_usage, option + ": " + file + ": UTF-16 text, as Windows writes it; save it as UTF-8"};
        if (text.find('\0') != std::string::npos)
            throw failure{wrong_usage,
                          option + ": " + file + ", line " + std::to_string(number) + ": expected UTF-8 text, found a NUL byte"};
        text.resize(text.find_last_not_of(" \t\r\n\v\f") + 1);
        lines.push_back({number, std::move(text)});
    }
    if (!stream.eof() || stream.bad()) throw failure{wrong_usage, option + ": " + file + ": cannot be read"};
    return lines;
}

}  // namespace app
