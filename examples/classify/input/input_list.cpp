// input_list.hpp: takes the arguments before "-", the lines of standard input, then the arguments after it.
#include "input/input_list.hpp"

#include "input/manifest.hpp"

namespace app {
namespace {

// Cuts to the longest path that Linux allows, between characters.
std::string beginning_of(const std::string& text) {
    std::size_t size = 4096;
    for (int more = 0; more < 3 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U; ++more) --size;
    return text.substr(0, size);
}

}  // namespace

input_list::input_list(const std::vector<std::string>& arguments, media kind, bool tar, selection& wanted, read_control& control)
    : kind_{kind}, tar_{tar}, wanted_{wanted}, control_{control}, before_{kind, tar}, after_{kind, tar}, lines_{control} {
    for (const std::string& argument : arguments) {
        if (argument == "-")
            stdin_next_ = true;
        else
            named_ += (stdin_next_ ? after_ : before_).add(argument, wanted_, notes_);
    }
}

std::optional<input> input_list::next() {
    for (;;) {
        if (archive_) {
            if (std::optional<input> image = archive_->next()) return image;
            archive_.reset();
        }
        std::optional<input> found = next_path();
        if (!found || !tar_ || found->error) return found;
        archive_.emplace(found->path, kind_, wanted_, control_);
    }
}

std::optional<input> input_list::next_path() {
    for (;;) {
        if (std::optional<input> first = before_.take()) return first;
        if (!stdin_next_) return after_.take();
        const std::optional<line> read = lines_.next();
        if (!read)
            stdin_next_ = false;
        else if (std::optional<input> found = from_line(*read))
            return found;
    }
}

// Null if the line has no input of this run, or if it is a path, whose inputs go to before_.
std::optional<input> input_list::from_line(const line& read) {
    const std::string& text = read.text;
    input found{read.cut ? beginning_of(text) : text, {}, {}};
    if (text.find('\0') != std::string::npos) {
        // Otherwise the output of find -print0 would be cut at its first path.
        found.error = cvt::error::format(cvt::errc::io, "expected paths that end in a newline on standard input, found a NUL byte");
    } else if (read.cut) {
        found.error = cvt::error::format(cvt::errc::malformed, "a line of standard input is longer than %zu bytes", line_reader::longest);
    } else if (looks_like_json(text)) {
        cvt::result<identified_path> parsed = parse_manifest_line(text);
        if (parsed)
            found = {std::move(parsed->path), std::move(parsed->id), {}};
        else
            found.error = parsed.error();
        if (tar_ && found.id.type != input_id::kind::none)
            found.error = cvt::error::format(cvt::errc::malformed, "\"id\": not supported for an archive, since it names one image");
    } else {
        if (!text.empty()) before_.add(text, wanted_, notes_);
        return std::nullopt;
    }
    const bool archive = tar_ && !found.error;
    return archive || wanted_.keeps(found) ? std::optional{std::move(found)} : std::nullopt;
}

}  // namespace app
