// An index by hash; equal hashes are told apart by reading the record again.
#include "done_records.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string_view>

#include "escape.hpp"
#include "failure.hpp"

namespace app {
namespace {

using cvt::checkpoint::json;
using cvt::checkpoint::json_kind;

std::string key_of(const std::string& path, const input_id& id) { return json_string(path) + id.json(); }
std::string key_of(const manifest_line& line) { return key_of(line.path, line.id); }

std::size_t read_at(const file& records, const std::string& path, char* to, std::size_t count, std::uint64_t at) {
    const std::ptrdiff_t got = records.read_at(at, to, count);
    if (got < 0) throw failure{wrong_usage, "--resume: " + path + " cannot be read: " + std::strerror(errno)};
    return static_cast<std::size_t>(got);
}

// Whether one of them is how the other begins.
bool agree(std::string_view a, std::string_view b) {
    const std::size_t common = std::min(a.size(), b.size());
    return a.substr(0, common) == b.substr(0, common);
}

// Takes what is left of a JSON string off; false where it does not end.
bool take_string(std::string_view& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            text.remove_prefix(i + 1);
            return true;
        }
    }
    return false;
}

// Whether `text` can be the beginning of a record, as record_writer writes them, with the zeros behind it that a lost machine
// leaves. Anything else is a file that was never ours: somebody's list of {"path": ..., "id": ...} too.
bool may_be_torn(std::string_view text) {
    const std::size_t written = std::min(text.find('\0'), text.size());
    if (text.find_first_not_of('\0', written) != std::string_view::npos) return false;
    text = text.substr(0, written);
    const std::string_view path = "{\"path\": \"", id = ", \"id\": ";
    if (!agree(text, path)) return false;
    text.remove_prefix(std::min(path.size(), text.size()));
    if (text.empty() || !take_string(text)) return true;
    if (text.starts_with(id)) {
        text.remove_prefix(id.size());
        if (text.starts_with('"')) {
            text.remove_prefix(1);
            if (!take_string(text)) return true;
        } else {
            text.remove_prefix(std::min(text.find_first_not_of("-0123456789"), text.size()));
        }
    } else if (agree(text, id)) {
        return true;
    }
    for (const std::string_view next : {", \"error\": {\"code\": \"", ", \"top\": [", ", \"attention\": \"", ", \"ms\": "})
        if (agree(text, next)) return true;
    return false;
}

}  // namespace

done_records::done_records(const file& records, const std::string& path, const std::optional<shard>& part) : file_{&records}, path_{path} {
    std::string line;
    std::vector<char> block(1U << 16);
    std::size_t number = 0;
    for (std::uint64_t at = 0;;) {
        const std::size_t got = read_at(*file_, path_, block.data(), block.size(), at);
        if (got == 0) break;
        at += got;
        for (const char *from = block.data(), *const end = from + got; from != end;) {
            const char* const newline = std::find(from, end, '\n');
            line.append(from, newline);
            if (newline == end) break;
            read_line(line, ++number, part);
            whole_bytes_ += line.size() + 1;
            line.clear();
            from = newline + 1;
        }
    }
    if (!may_be_torn(line))
        throw failure{wrong_usage,
                      "--resume: " + path_ + ", after its last whole line: no record of --format jsonl; the file is left as it is"};
    std::sort(entries_.begin(), entries_.end(),
              [](const entry& a, const entry& b) { return a.hash != b.hash ? a.hash < b.hash : a.at < b.at; });
}

void done_records::read_line(const std::string& line, std::size_t number, const std::optional<shard>& part) {
    const auto refuse = [&](const std::string& why) {
        throw failure{wrong_usage, "--resume: " + path_ + ", line " + std::to_string(number) + ": " + why};
    };
    const cvt::result<json> document = json::parse(line);
    if (!document) refuse(std::string{"no record of --format jsonl: "} + document.error().what());
    const cvt::result<manifest_line> input = path_and_id(document->root());
    if (!input) refuse(std::string{"no record of --format jsonl: "} + input.error().what());
    const bool failed = document->root().find("error").is(json_kind::object);
    if (!failed && !document->root().find("ms")) refuse("no record of --format jsonl: neither \"ms\" nor \"error\"");
    if (part && !part->holds(input->path))
        refuse(terminal_text(input->path) + " is no input of shard " + std::to_string(part->index) + '/' + std::to_string(part->count) +
               ": was another --shard given before?");
    entries_.push_back({std::hash<std::string>{}(key_of(*input)), whole_bytes_ & ((std::uint64_t{1} << 62) - 1), failed, false});
}

std::string done_records::key_at(std::uint64_t at) const {
    std::string line;
    for (char block[512];;) {
        const std::size_t got = read_at(*file_, path_, block, sizeof block, at + line.size());
        char* const newline = std::find(block, block + got, '\n');
        line.append(block, newline);
        if (newline != block + got) break;
        if (got == 0) throw failure{some_failed, "--resume: " + path_ + " was changed by somebody else"};
    }
    const cvt::result<json> document = json::parse(line);
    const cvt::result<manifest_line> input = document ? path_and_id(document->root()) : document.error();
    if (!input) throw failure{some_failed, "--resume: " + path_ + " was changed by somebody else"};
    return key_of(*input);
}

bool done_records::take(const std::string& path, const input_id& id) {
    if (entries_.empty()) return false;
    const std::string key = key_of(path, id);
    const std::uint64_t hash = std::hash<std::string>{}(key);
    auto at = std::lower_bound(entries_.begin(), entries_.end(), hash, [](const entry& e, std::uint64_t h) { return e.hash < h; });
    for (; at != entries_.end() && at->hash == hash; ++at) {
        if (at->taken || key_at(at->at) != key) continue;
        at->taken = true;
        ++taken_;
        failed_ += at->failed ? 1U : 0U;
        return true;
    }
    return false;
}

}  // namespace app
