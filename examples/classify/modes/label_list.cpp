// label_list.hpp: splits lines into a photo and its label. The name and the first line of a file tell its format.
#include "modes/label_list.hpp"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "common/text_lines.hpp"

namespace app {
namespace {

using fields = std::vector<std::string>;

[[noreturn]] void refuse(const std::string& file, const std::string& why) { throw failure{wrong_usage, "--evaluate: " + file + why}; }

[[noreturn]] void refuse(const std::string& file, const text_line& line, const std::string& expected) {
    constexpr std::size_t shown = 120;
    const std::string found = line.text.size() > shown ? line.text.substr(0, shown) + "..." : line.text;
    refuse(file, ", line " + std::to_string(line.number) + ": expected " + expected + ", found \"" + found + '"');
}

std::string lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), lower);
    return text;
}

std::string trimmed(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

fields split_at_tabs(const std::string& text) {
    fields found;
    for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
        end = text.find('\t', begin);
        found.push_back(text.substr(begin, end - begin));
    }
    return found;
}

// RFC 4180, without line breaks inside quotes. Null if a quote is in the wrong place.
std::optional<fields> split_csv(const std::string& text) {
    fields found;
    for (std::size_t at = 0;; ++at) {  // at the beginning of a field
        std::string field;
        if (at < text.size() && text[at] == '"') {
            for (++at;; ++at) {
                if (at >= text.size()) return std::nullopt;
                if (text[at] == '"' && (++at >= text.size() || text[at] != '"')) break;
                field += text[at];
            }
            if (at < text.size() && text[at] != ',') return std::nullopt;
        } else {
            const std::size_t end = std::min(text.find(',', at), text.size());
            field = text.substr(at, end - at);
            at = end;
        }
        found.push_back(trimmed(field));
        if (at >= text.size()) return found;
    }
}

bool is_annotation(const fields& f) {
    return f.size() == 6 && std::all_of(f.begin() + 2, f.end(), [](const std::string& t) { return whole_number(t).has_value(); });
}

// The only column of a header with one of these names.
std::size_t find_column(const std::string& file, const text_line& header, const fields& columns, std::initializer_list<const char*> names,
                        const char* expected) {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const std::string column = lower_case(columns[i]);
        if (std::find(names.begin(), names.end(), column) == names.end()) continue;
        if (found) refuse(file, header, std::string{"one column of "} + expected);
        found = i;
    }
    if (!found) refuse(file, header, std::string{"a header with a column of "} + expected);
    return *found;
}

label_list read_csv(const std::string& file, const std::vector<text_line>& lines) {
    label_list list{label_list::format::csv, {}};
    fields header;
    std::size_t photo = 0, label = 0;
    for (const text_line& line : lines) {
        if (line.text.empty()) continue;
        const std::optional<fields> row = split_csv(line.text);
        if (!row) refuse(file, line, "quotes around whole fields, closed on the same line");
        if (header.empty()) {
            header = *row;
            photo = find_column(file, line, header, {"imageid", "image", "path", "file", "filename"},
                                "photos (ImageId, image, path, file or filename)");
            label = find_column(file, line, header, {"predictionstring", "label", "class", "index"},
                                "classes (PredictionString, label, class or index)");
            continue;
        }
        if (row->size() != header.size())
            refuse(file, line, std::to_string(header.size()) + (header.size() == 1 ? " field" : " fields") + " as in the header");
        std::string text = (*row)[label];
        // Kaggle's column has a WordNet id and a box for each object in the photo.
        if (lower_case(header[label]) == "predictionstring") text.resize(std::min(text.find(' '), text.size()));
        if ((*row)[photo].empty() || text.empty()) refuse(file, line, "a photo and its class");
        list.entries.push_back({line.number, (*row)[photo], std::move(text)});
    }
    return list;
}

label_list read_text(const std::string& file, const std::vector<text_line>& lines) {
    label_list list;
    for (const text_line& line : lines) {
        const std::string& text = line.text;
        if (text.empty()) continue;
        const fields between_tabs = split_at_tabs(text);
        if (list.entries.empty() && is_annotation(between_tabs)) list.type = label_list::format::annotations;
        if (list.type == label_list::format::annotations) {
            if (!is_annotation(between_tabs))
                refuse(file, line, "a name, a WordNet id and four numbers, separated by tabs, as in the lines before");
            list.entries.push_back({line.number, between_tabs[0], between_tabs[1]});
            continue;
        }
        const std::size_t gap = text.find_last_of(text.find('\t') != std::string::npos ? '\t' : ' ');
        const std::string photo = gap == std::string::npos ? "" : text.substr(0, text.find_last_not_of(" \t", gap) + 1);
        if (photo.empty()) refuse(file, line, "a path, a tab or a space, and a label or an index");
        list.entries.push_back({line.number, photo, trimmed(text.substr(gap))});
    }
    return list;
}

}  // namespace

label_list read_label_list(const std::string& file) {
    const std::vector<text_line> lines = read_lines("--evaluate", file);
    label_list list = lower_case(file).ends_with(".csv") ? read_csv(file, lines) : read_text(file, lines);
    if (list.entries.empty()) refuse(file, ": expected one line per photo, found none");
    return list;
}

}  // namespace app
