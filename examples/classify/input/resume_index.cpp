// resume_index.hpp: an index by hash; to tell equal hashes apart, the record is read again.
#include "input/resume_index.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "output/record_schema.hpp"

namespace app {
namespace {

std::string key_of(const std::string& path, const input_id& id, const std::optional<time_span>& span) {
    return json_string(path) + id.json() + (span ? '@' + seconds_text(span->start) : "");
}

std::size_t read_at(const file& records, const std::string& path, char* to, std::size_t count, std::uint64_t at) {
    const std::ptrdiff_t got = records.read_at(at, to, count);
    if (got < 0) throw failure{wrong_usage, "--resume: " + path + " cannot be read: " + std::strerror(errno)};
    return static_cast<std::size_t>(got);
}

}  // namespace

resume_index::resume_index(const std::string& path, const std::optional<shard>& part) : file_{path, file::mode::read}, path_{path} {
    std::string line;
    std::vector<char> block(1U << 16);
    std::size_t number = 0;
    for (std::uint64_t at = 0;;) {
        const std::size_t got = read_at(file_, path_, block.data(), block.size(), at);
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
    if (!may_be_incomplete_record(line))
        throw failure{wrong_usage,
                      "--resume: " + path_ + ", after its last whole line: not a record of --format jsonl; the file is unchanged"};
    std::sort(entries_.begin(), entries_.end(),
              [](const entry& a, const entry& b) { return a.hash != b.hash ? a.hash < b.hash : a.at < b.at; });
}

void resume_index::read_line(const std::string& line, std::size_t number, const std::optional<shard>& part) {
    const auto refuse = [&](const std::string& why) {
        throw failure{wrong_usage, "--resume: " + path_ + ", line " + std::to_string(number) + ": " + why};
    };
    const cvt::result<record_key> found = parse_record(line);
    if (!found) refuse(std::string{"not a record of --format jsonl: "} + found.error().what());
    if (part && !part->holds(found->path))
        refuse(found->path + " is not an input of shard " + std::to_string(part->index) + '/' + std::to_string(part->count) +
               ": was another --shard given before?");
    entries_.push_back({std::hash<std::string>{}(key_of(found->path, found->id, found->span)),
                        whole_bytes_ & ((std::uint64_t{1} << 62) - 1), found->failed, false});
}

std::string resume_index::key_at(std::uint64_t at) const {
    std::string line;
    for (char block[512];;) {
        const std::size_t got = read_at(file_, path_, block, sizeof block, at + line.size());
        char* const newline = std::find(block, block + got, '\n');
        line.append(block, newline);
        if (newline != block + got) break;
        if (got == 0) throw failure{some_failed, "--resume: " + path_ + " was changed by another process"};
    }
    const cvt::result<record_key> found = parse_record(line);
    if (!found) throw failure{some_failed, "--resume: " + path_ + " was changed by another process"};
    return key_of(found->path, found->id, found->span);
}

bool resume_index::take(const std::string& path, const input_id& id, const std::optional<time_span>& span) {
    if (entries_.empty()) return false;
    const std::string key = key_of(path, id, span);
    const std::uint64_t hash = std::hash<std::string>{}(key);
    const auto [first, end] = std::equal_range(entries_.begin(), entries_.end(), entry{hash, 0, 0, 0},
                                               [](const entry& a, const entry& b) { return a.hash < b.hash; });
    // The taken records of a hash come first, so that an input that is given a million times does not search them.
    const auto open = std::partition_point(first, end, [](const entry& e) { return e.taken; });
    for (auto at = open; at != end; ++at) {
        if (key_at(at->at) != key) continue;
        at->taken = true;
        failed_ += at->failed ? 1U : 0U;
        ++taken_;
        std::iter_swap(open, at);
        return true;
    }
    return false;
}

}  // namespace app
