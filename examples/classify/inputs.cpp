// Lists directories and archives, and reads lines of standard input.
#include "inputs.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <cvt/extra/decode.hpp>
#include <filesystem>
#include <iterator>
#include <string_view>

#include "litter.hpp"
#include "passed_over.hpp"
#include "system.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;

std::string extension_of(const fs::path& path) {
    std::string extension = text_of(path.extension());
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return extension;
}
bool named_like_an_archive(const fs::path& path) { return extension_of(path) == ".tar"; }

// The formats that are decoded, or would be by a program built with their libraries: then the error names what is missing.
bool named_like_an_image(const fs::path& path) {
    static constexpr std::string_view endings[]{".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif",  ".bmp",  ".dib",
                                                ".tif", ".tiff", ".pbm", ".pgm",  ".ppm", ".pnm", ".avif", ".heic", ".heif", ".hif"};
    const std::string extension = extension_of(path);
    return std::find(std::begin(endings), std::end(endings), extension) != std::end(endings);
}

std::string kind_of(const fs::directory_entry& entry) {
    std::error_code ignored;
    if (entry.is_directory(ignored)) return "folder";
    return entry.is_other(ignored) ? "pipe or device" : extension_of(entry.path());
}

// As long as Linux allows a name, of whole characters.
std::string beginning_of(const std::string& text) {
    std::size_t size = 4096;
    for (int more = 0; more < 3 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U; ++more) --size;
    return text.substr(0, size);
}

}  // namespace

bool has_name_of_image(const std::string& path) { return named_like_an_image(path_of(path)); }

void path_queue::group::add(std::string_view name) {
    starts.push_back(names.size());
    names.append(name).push_back('\0');
}

void path_queue::group::sort() {
    std::sort(starts.begin(), starts.end(),
              [this](std::size_t a, std::size_t b) { return std::strcmp(names.data() + a, names.data() + b) < 0; });
}

// Not recursive: the shell and find say better which folders are meant.
path_queue::group path_queue::list(const std::string& directory, bool archives, const input_filter& wanted) {
    group found{directory, {}, {}};
    passed_over others;
    std::size_t images = 0;
    std::error_code problem;
    fs::directory_iterator at{path_of(directory), problem};
    for (; !problem && at != fs::directory_iterator{}; at.increment(problem)) {
        if (is_litter(text_of(at->path().filename()))) continue;
        std::error_code ignored;
        const bool right_name = archives ? named_like_an_archive(at->path()) : named_like_an_image(at->path());
        if (!right_name || at->is_directory(ignored) || at->is_other(ignored)) {  // other: a pipe, whose writer may never come
            others.add(kind_of(*at));
            continue;
        }
        ++images;
        const fs::path name = at->path().filename();
        if (archives || wanted.may_want(text_of(path_of(directory) / name))) found.add(text_of(name));
    }
    const auto refuse = [&](const cvt::error& why) {
        group refused;
        if (wanted.wants({directory, {}, why})) refused.add(directory);
        refused.problem = why;
        return refused;
    };
    if (problem) return refuse(cvt::error::format(cvt::errc::io, "cannot be listed: %s", problem.message().c_str()));
    if (images == 0)
        return refuse(
            cvt::error::format(cvt::errc::io, "a folder without %s files", archives ? ".tar" : ".jpg, .png, .webp or other picture"));
    if (others.total() != 0) std::fprintf(stderr, "classify: %s: %s\n", directory.c_str(), others.text().c_str());
    found.sort();
    if (!archives)
        std::erase_if(found.starts, [&](std::size_t start) {
            return !wanted.wants({text_of(path_of(directory) / path_of(found.names.data() + start)), {}, {}});
        });
    return found;
}

std::size_t path_queue::add(const std::string& path, bool archives, const input_filter& wanted) {
    std::error_code problem;
    const fs::file_status status = fs::status(path_of(path), problem);
    if (fs::is_directory(status)) {
        group found = list(path, archives, wanted);
        const std::size_t inputs = found.starts.size();
        if (inputs > 0) groups_.push_back(std::move(found));
        return inputs;
    }
    if (!archives) {
        input found{path, {}, {}};
        // It may have been a folder with inputs of every shard: none of them may take it for one image of another.
        if (!fs::exists(status) && !named_like_an_image(path_of(path)))
            found.problem = cvt::error::format(cvt::errc::io, "cannot open %s: %s", path.c_str(), problem.message().c_str());
        if (!wanted.wants(found)) return 0;
    }
    if (groups_.empty() || !groups_.back().directory.empty() || groups_.back().problem) groups_.emplace_back();
    groups_.back().add(path);
    return 1;
}

std::optional<input> path_queue::take() {
    if (groups_.empty()) return std::nullopt;
    group& g = groups_.front();
    const char* const name = g.names.data() + g.starts[g.taken++];
    input next{g.directory.empty() ? name : text_of(path_of(g.directory) / path_of(name)), {}, g.problem.value_or(cvt::error{})};
    if (g.taken == g.starts.size()) groups_.pop_front();
    return next;
}

tar_images::tar_images(std::string path, const input_filter& wanted, const pastime& meanwhile)
    : path_{std::move(path)}, wanted_{wanted}, reader_{tar_reader::open(path_, meanwhile)} {}

std::optional<input> tar_images::end(const cvt::error& problem) {
    ended_ = true;
    input last{path_, {}, problem};
    return problem && wanted_.wants(last) ? std::optional{std::move(last)} : std::nullopt;
}

std::optional<input> tar_images::next() {
    if (ended_) return std::nullopt;
    if (!reader_) return end(reader_.error());
    for (;;) {
        const cvt::result<std::optional<tar_member>> found = reader_->next();
        if (!found) return end(found.error());
        if (!*found)
            return end(images_ > 0 ? cvt::error{}
                                   : cvt::error::format(cvt::errc::io, "a tar archive without .jpg, .png, .webp or other picture files"));
        const tar_member& member = **found;
        // WebDataset: the key is all before the first dot of the last name; what begins with a dot has none, and is litter.
        const std::size_t last = member.name.rfind('/') + 1, dot = member.name.find('.', last);
        if (member.type == tar_member::kind::folder || is_litter_member(member.name) || !named_like_an_image(path_of(member.name)))
            continue;
        ++images_;
        input image{path_ + '/' + member.name, {input_id::kind::text, member.name.substr(0, dot)}, {}};
        if (!wanted_.wants(image)) continue;
        if (member.type != tar_member::kind::file)
            image.problem = cvt::error::format(cvt::errc::unsupported, "a %s in a tar archive; pack the file itself",
                                               member.type == tar_member::kind::link ? "link" : "special file");
        else if (member.size > cvt::decode_limits{}.max_bytes)
            image.problem = cvt::error::format(cvt::errc::bad_image, "image file has %llu bytes, more than the limit of %llu",
                                               static_cast<unsigned long long>(member.size),
                                               static_cast<unsigned long long>(cvt::decode_limits{}.max_bytes));
        if (image.problem) return image;
        cvt::result<std::vector<std::byte>> data = reader_->read();
        if (!data) return end(data.error());  // the archive's problem: whole, it may be read in another run
        image.data = *std::move(data);
        return image;
    }
}

input_list::input_list(const std::vector<std::string>& arguments, bool tar, input_filter wanted, pastime meanwhile)
    : tar_{tar}, wanted_{std::move(wanted)}, meanwhile_{std::move(meanwhile)}, lines_{meanwhile_} {
    for (const std::string& argument : arguments) {
        if (argument == "-")
            open_ended_ = true;
        else
            total_ += (open_ended_ ? after_ : before_).add(argument, tar_, wanted_);
    }
}

std::optional<input> input_list::next() {
    for (;;) {
        if (archive_) {
            if (std::optional<input> image = archive_->next()) return image;
            archive_.reset();
        }
        std::optional<input> found = next_path();
        if (!found || !tar_ || found->problem) return found;
        archive_.emplace(found->path, wanted_, meanwhile_);
    }
}

std::optional<input> input_list::next_path() {
    for (;;) {
        if (std::optional<input> first = before_.take()) return first;
        if (!open_ended_) return after_.take();
        const std::optional<line> read = lines_.next();
        if (!read)
            open_ended_ = false;
        else if (std::optional<input> found = from_line(*read))
            return found;
    }
}

// Null where the line stands for none or for many: those wait in before_.
std::optional<input> input_list::from_line(const line& read) {
    const std::string& text = read.text;
    input found{read.cut ? beginning_of(text) : text, {}, {}};
    if (text.find('\0') != std::string::npos) {
        // What find -print0 writes would otherwise be cut at its first path.
        found.problem = cvt::error::format(cvt::errc::io, "paths on standard input end in a newline; this one holds a NUL byte");
    } else if (read.cut) {
        found.problem = cvt::error::format(cvt::errc::malformed, "a line of standard input longer than %zu bytes", line_reader::longest);
    } else if (looks_like_json(text)) {
        cvt::result<manifest_line> parsed = parse_manifest_line(text);
        if (parsed)
            found = {std::move(parsed->path), std::move(parsed->id), {}};
        else
            found.problem = parsed.error();
        if (tar_ && found.id.type != input_id::kind::none)
            found.problem = cvt::error::format(cvt::errc::malformed, "an \"id\" is of one image, and this is an archive of many");
    } else {
        if (!text.empty()) total_ += before_.add(text, tar_, wanted_);
        return std::nullopt;
    }
    if (!(tar_ && !found.problem) && !wanted_.wants(found)) return std::nullopt;
    ++total_;
    return found;
}

}  // namespace app
