// evaluation_set.hpp: one function per layout of a data set. Photos that do not fit are an error, since skipping them would distort
// the accuracy.
#include "modes/evaluation_set.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <unordered_map>
#include <utility>

#include "common/class_names.hpp"
#include "common/failure.hpp"
#include "common/media_files.hpp"
#include "common/paths.hpp"
#include "common/text.hpp"
#include "common/text_lines.hpp"
#include "input/folder_entries.hpp"
#include "modes/label_list.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;

constexpr const char* annotations_name = "val_annotations.txt";

std::string counted(std::size_t count, const char* what) { return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s"); }

std::string at_line(const std::string& file, std::size_t line) { return file + ", line " + std::to_string(line) + ": "; }

// The first of many problems, and their number.
class problem_count {
public:
    explicit problem_count(const char* unit) : unit_{unit} {}
    void add(const std::string& text) {
        if (count_++ == 0) first_ = text;
    }
    void refuse_any(const std::string& where) const {
        if (count_ == 0) return;
        refuse(where + first_ + (count_ > 1 ? " (and " + counted(count_ - 1, (std::string{"more "} + unit_).c_str()) + ')' : ""));
    }

private:
    const char* unit_;
    std::string first_;
    std::size_t count_ = 0;
};

// Finds classes, and remembers how numbers were understood.
class class_finder {
public:
    class_finder(const options& o, const setup& s) : names_{s.labels, o.classes}, file_{o.classes} {}

    class_names::match find(const std::string& name) {
        class_names::match m = names_.find(name);
        numbers_as_labels_ = numbers_as_labels_ || m.taken_for == class_names::number_kind::label;
        if (m.taken_for == class_names::number_kind::index) {
            least_ = indices_ ? std::min(least_, *m.index) : *m.index;
            greatest_ = indices_ ? std::max(greatest_, *m.index) : *m.index;
            indices_ = true;
        }
        return m;
    }
    [[nodiscard]] bool has_file() const { return !file_.empty(); }
    // Appended to the source of the names.
    [[nodiscard]] std::string remarks() const {
        std::string text = file_.empty() ? "" : " by " + file_;
        if (indices_)
            text += "; numbers are indices counted from 0: " + (least_ == greatest_ ? "only " : std::to_string(least_) + " to ") +
                    std::to_string(greatest_);
        if (numbers_as_labels_) text += "; numbers are labels of the model, not indices";
        return text;
    }

private:
    class_names names_;
    std::string file_;
    bool indices_ = false, numbers_as_labels_ = false;
    std::size_t least_ = 0, greatest_ = 0;
};

folder_entries list_root(const std::string& folder, media kind) {
    folder_entries found = list_folder(folder, kind);
    if (found.error) refuse("--evaluate: " + folder + " cannot be listed: " + found.error.message());
    return found;
}

bool is_file(const std::string& path) {
    std::error_code ignored;
    return fs::is_regular_file(path_of(path), ignored);
}

// Adds the photos of one class from its folder and all subfolders, as torchvision's ImageFolder does.
void add_class(const std::string& root, const std::string& folder, media kind, std::size_t expected, evaluation_set& to,
               std::size_t& others) {
    photo_walk walk = walk_photos("--evaluate", root, folder, kind);
    others += walk.others;
    for (std::string& photo : walk.photos) to.photos.push_back({std::move(photo), expected});
    for (const auto& [path, problem] : walk.problems) to.photos.push_back({path, expected, problem});
    if (walk.photos.empty() && walk.problems.empty())
        to.photos.push_back({folder, expected, std::string{"expected "} + examples_of(kind) + " in this folder, found none"});
}

evaluation_set of_class_folders(const options& o, const setup& s, const folder_entries& root, class_finder& classes) {
    std::vector<const std::string*> folder_of(s.labels.size(), nullptr);
    std::vector<std::pair<const std::string*, std::size_t>> folders;
    problem_count problems{"folder"};
    for (const std::string& name : root.folders) {
        const class_names::match m = classes.find(name);
        if (!m.index) {
            problems.add(m.why_not);
        } else if (const std::string* other = std::exchange(folder_of[*m.index], &name)) {
            problems.add(*other + " and " + name + " are both class " + std::to_string(*m.index));
        } else {
            folders.emplace_back(&name, *m.index);
        }
    }
    problems.refuse_any("--evaluate: " + o.evaluate + ": ");

    evaluation_set found;
    std::size_t others = root.others;
    for (const auto& [name, index] : folders) add_class(o.evaluate, in_folder(o.evaluate, *name), s.kind(), index, found, others);
    report_skipped(o.evaluate, others);
    if (!root.photos.empty())
        std::fprintf(stderr, "classify: %s: %s beside the class folders skipped\n", terminal_text(o.evaluate).c_str(),
                     counted(root.photos.size(), "photo").c_str());
    if (const std::string remarks = classes.remarks(); !remarks.empty()) found.labels_from = "names of folders" + remarks;
    return found;
}

// The photos of folders by their names without extension, for Kaggle's lists. Lists each folder once.
class photos_by_stem {
public:
    explicit photos_by_stem(media kind) : kind_{kind} {}
    // Returns the path of the only photo whose path is `path` and an extension, or an error.
    std::pair<std::string, std::string> find(const std::string& path) {
        const fs::path wanted = path_of(path);
        const std::string folder = text_of(wanted.parent_path());
        auto at = folders_.find(folder);
        if (at == folders_.end()) {
            at = folders_.emplace(folder, names{}).first;
            for (std::string& name : list_folder(folder.empty() ? "." : folder, kind_).photos)
                at->second[text_of(path_of(name).stem())].push_back(std::move(name));
        }
        const auto found = at->second.find(text_of(wanted.filename()));
        if (found == at->second.end()) return {path, "expected a photo, found no file " + path + " with or without an extension"};
        const std::vector<std::string>& all = found->second;
        if (all.size() == 1) return {in_folder(folder, all.front()), {}};
        return {path, "expected one photo, found " + in_folder(folder, all[0]) + " and " + in_folder(folder, all[1])};
    }

private:
    using names = std::unordered_map<std::string, std::vector<std::string>>;
    media kind_;
    std::unordered_map<std::string, names> folders_;
};

// Returns the path of an entry's photo, and an error if there is none. Kaggle's lists omit the file extensions.
std::pair<std::string, std::string> locate(const std::string& folder, const label_list& list, const label_list::entry& entry, media kind,
                                           photos_by_stem& photos) {
    std::string path = in_folder(folder, entry.photo);
    std::error_code error;
    const fs::file_status status = fs::status(path_of(path), error);
    if (fs::is_directory(status)) return {path, "expected a photo, found the folder " + path};
    if (fs::exists(status)) return {path, {}};
    if (status.type() != fs::file_type::not_found) return {path, "expected a photo, " + path + " cannot be read: " + error.message()};
    if (list.type == label_list::format::csv && !has_name_of(kind, entry.photo)) return photos.find(path);
    const bool blank = list.type == label_list::format::text && entry.photo.find(' ') != std::string::npos;
    return {path, "expected a photo, found no file " + path + (blank ? "; a label that contains blanks needs a tab before it" : "")};
}

evaluation_set of_list(const std::string& file, const std::string& given_folder, media kind, class_finder& classes) {
    const label_list list = read_label_list(file);
    const bool annotations = list.type == label_list::format::annotations;
    std::string folder = given_folder;
    if (folder.empty()) {
        folder = text_of(path_of(file).parent_path());
        if (annotations && is_folder(in_folder(folder, "images"))) folder = in_folder(folder, "images");
    }

    evaluation_set found;
    std::unordered_map<std::string, std::size_t> line_of;  // by normalised path
    const auto plain = [](const std::string& path) { return text_of(path_of(path).lexically_normal()); };
    problem_count problems{"line"};
    photos_by_stem photos{kind};
    for (const label_list::entry& entry : list.entries) {
        const class_names::match m = classes.find(entry.label);
        const auto [path, error] = locate(folder, list, entry, kind, photos);
        const auto [first, is_new] = line_of.emplace(plain(path), entry.line);
        if (!error.empty())
            problems.add(at_line(file, entry.line) + error);
        else if (!m.index)
            problems.add(at_line(file, entry.line) + m.why_not);
        else if (!is_new)
            problems.add(at_line(file, entry.line) + path + " is already listed in line " + std::to_string(first->second));
        else
            found.photos.push_back({path, *m.index});
    }
    problems.refuse_any("--evaluate: ");

    if (annotations || !given_folder.empty()) {
        const folder_entries all = list_root(folder.empty() ? "." : folder, kind);
        std::vector<std::string> left;
        for (const std::string& name : all.photos)
            if (!line_of.contains(plain(in_folder(folder, name)))) left.push_back(name);
        // A list may choose some of the photos; annotations describe a whole folder.
        if (!left.empty() && annotations)
            refuse("--evaluate: " + file + ": expected a line for each photo of " + folder + ", found none for " + left.front() +
                   (left.size() > 1 ? " (and " + counted(left.size() - 1, "more photo") + ')' : ""));
        if (!left.empty())
            std::fprintf(stderr, "classify: %s: %s without a line in %s skipped\n", terminal_text(folder).c_str(),
                         counted(left.size(), "photo").c_str(), terminal_text(file).c_str());
    }
    found.labels_from = file + classes.remarks();
    return found;
}

evaluation_set of_flat_folder(const options& o, media kind, class_finder& classes) {
    const folder_entries all = list_root(o.evaluate, kind);
    if (!all.folders.empty())
        refuse("--truth: " + o.evaluate + ": expected photos in one flat folder, found the folder " + all.folders.front());
    std::vector<text_line> lines = read_lines("--truth", o.truth);
    while (!lines.empty() && lines.back().text.empty()) lines.pop_back();
    if (lines.empty()) refuse("--truth: " + o.truth + ": expected the class of a photo in each line, found none");
    if (lines.size() != all.photos.size())
        refuse("--truth: expected a line for each photo, found " + counted(lines.size(), "line") + " in " + o.truth + " and " +
               counted(all.photos.size(), "photo") + " in " + o.evaluate);

    evaluation_set found;
    problem_count problems{"line"};
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto& [number, text] = lines[i];
        if (text.empty()) {
            problems.add(at_line(o.truth, number) + "expected the class of " + all.photos[i] + ", found nothing");
            continue;
        }
        if (!classes.has_file() && whole_number(text))
            refuse("--truth: " + at_line(o.truth, number) + "found the number " + text +
                   ", but the ids of ILSVRC are not the model's class indices: use --classes FILE to map them, with lines of an id and an "
                   "index");
        const class_names::match m = classes.find(text);
        if (m.index)
            found.photos.push_back({in_folder(o.evaluate, all.photos[i]), *m.index});
        else
            problems.add(at_line(o.truth, number) + m.why_not);
    }
    problems.refuse_any("--truth: ");
    report_skipped(o.evaluate, all.others);
    found.labels_from = o.truth + classes.remarks() + "; one line per photo in the order of their names, from " + all.photos.front() +
                        " to " + all.photos.back();
    return found;
}

// Tiny ImageNet's validation set, given by its folder or by the folder of its images beside the annotations.
struct annotated_folder {
    std::string annotations, images;
};

std::optional<annotated_folder> find_annotations(const std::string& folder, const folder_entries& root) {
    const annotated_folder inside{in_folder(folder, annotations_name), in_folder(folder, "images")};
    if (root.folders == std::vector<std::string>{"images"} && is_file(inside.annotations)) return inside;
    const annotated_folder beside{text_of((path_of(folder) / ".." / annotations_name).lexically_normal()), folder};
    if (root.folders.empty() && !root.photos.empty() && is_file(beside.annotations)) return beside;
    return std::nullopt;
}

}  // namespace

evaluation_set find_evaluation_set(const options& o, const setup& s) {
    class_finder classes{o, s};
    if (!o.truth.empty()) return of_flat_folder(o, s.kind(), classes);
    if (std::error_code ignored; !is_folder(o.evaluate) && fs::exists(path_of(o.evaluate), ignored))
        return of_list(o.evaluate, o.inputs.empty() ? "" : o.inputs.front(), s.kind(), classes);
    const folder_entries root = list_root(o.evaluate, s.kind());
    if (const std::optional<annotated_folder> tiny = find_annotations(o.evaluate, root))
        return of_list(tiny->annotations, tiny->images, s.kind(), classes);
    if (root.folders.empty())
        refuse("--evaluate: " + o.evaluate + ": expected one folder per class, found none" +
               (root.photos.empty()
                    ? ""
                    : " but " + counted(root.photos.size(), "photo") + "; use --truth FILE or a list to give their classes"));
    return of_class_folders(o, s, root, classes);
}

}  // namespace app
