// class_names.hpp: matches spellings, synonyms and indices. A label that two classes share does not match.
#include "common/class_names.hpp"

#include <cctype>

#include "common/failure.hpp"
#include "common/suggest.hpp"
#include "common/text.hpp"
#include "common/text_lines.hpp"

namespace app {
namespace {

// ImageNet's labels are lists of synonyms: "tench, Tinca tinca".
std::string first_synonym(const std::string& label) { return spelled_alike(label.substr(0, label.find(','))); }

std::string quoted(const std::string& text) { return '"' + text + '"'; }

}  // namespace

std::string spelled_alike(const std::string& label) {
    std::string out;
    for (const char c : label)
        if (c != '_' && std::isspace(static_cast<unsigned char>(c)) == 0)
            out += lower(c);
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    if (out.ends_with(' ')) out.pop_back();
    return out;
}

class_names::class_names(const std::vector<std::string>& labels, const std::string& file) : labels_{labels}, file_{file} {
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (labels[i].empty()) continue;
        whole_[spelled_alike(labels[i])].push_back(i);
        first_[first_synonym(labels[i])].push_back(i);
    }
    if (!file.empty()) read(file);
}

void class_names::read(const std::string& file) {
    const auto refuse = [&](const std::string& why) { throw failure{wrong_usage, "--classes: " + file + ": " + why}; };
    std::size_t number = 0, bare = 0;
    for (const auto& [ignored, text] : read_lines("--classes", file)) {
        if (text.empty()) continue;
        // With a tab in the line, names may contain spaces.
        const std::size_t end = text.find(text.find('\t') != std::string::npos ? '\t' : ' ');
        const std::size_t rest = end == std::string::npos ? end : text.find_first_not_of(" \t", end);
        line l{rest == std::string::npos ? "" : text.substr(rest), number++};
        bare += l.rest.empty() ? 1U : 0U;
        if (!lines_.emplace(text.substr(0, end), std::move(l)).second) refuse(quoted(text.substr(0, end)) + " is listed twice");
    }
    if (number == 0) refuse("expected lines with a name and its class, found none");
    if (bare > 0 && (bare != number || number != labels_.size()))
        refuse("a file of names without classes has one line per class: expected " + std::to_string(labels_.size()) +
               " such lines, found " + std::to_string(bare) + " among " + std::to_string(number));
}

class_names::match class_names::find(const std::string& name) const {
    if (file_.empty()) {
        match m = find_label(name, std::nullopt);
        const bool wnid = name.size() == 9 && name[0] == 'n' && whole_number(name.substr(1));
        if (!m.index && wnid) m.why_not += "; use --classes FILE to map WordNet ids to classes";
        return m;
    }
    const auto found = lines_.find(name);
    if (found == lines_.end()) return {{}, file_ + " has no line for " + quoted(name)};
    if (found->second.rest.empty()) return {found->second.number, {}};
    match m = find_label(found->second.rest, found->second.number);
    if (!m.index) m.why_not = file_ + ", " + quoted(name) + ": " + m.why_not;
    return m;
}

class_names::match class_names::find_label(const std::string& text, std::optional<std::size_t> line_number) const {
    auto found = whole_.find(spelled_alike(text));
    bool known = found != whole_.end();
    if (!known) {
        found = first_.find(first_synonym(text));
        known = found != first_.end();
    }
    if (known) {
        const std::vector<std::size_t>& classes = found->second;
        const number_kind taken_for = whole_number(text) ? number_kind::label : number_kind::none;
        if (classes.size() == 1) return {classes.front(), {}, taken_for};
        // ImageNet has two cranes. In a file in the order of the classes, the line number tells them apart.
        for (const std::size_t i : classes)
            if (i == line_number) return {i, {}, taken_for};
        return {{},
                quoted(text) + " is the label of classes " + std::to_string(classes[0]) + " and " + std::to_string(classes[1]) +
                    "; use an index instead"};
    }
    if (const std::optional<std::uint64_t> index = whole_number(text)) {
        if (*index < labels_.size()) return {static_cast<std::size_t>(*index), {}, number_kind::index};
        return {{}, "the model has classes 0 to " + std::to_string(labels_.size() - 1) + ", not " + text};
    }
    return {{}, "the model has no class named " + quoted(text) + did_you_mean(text, labels_)};
}

}  // namespace app
