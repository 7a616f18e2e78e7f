// embedding_cache.hpp: records of a head (mark, width, photo, model, view), float32 values, and a check sum.
#include "input/embedding_cache.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "common/failure.hpp"
#include "common/fnv1a.hpp"
#include "common/text.hpp"
#include "output/output_lock.hpp"

namespace app {
namespace {

constexpr std::string_view beginning = "cvt embedding cache 1\n";
constexpr std::uint32_t mark = 0x45545643;  // "CVTE"
constexpr std::uint32_t widest = 1U << 20;

struct record_head {
    std::uint32_t mark, width;
    digest photo, model;
    std::uint32_t view, unused;
};
static_assert(sizeof(record_head) == 80);

constexpr std::size_t sum_bytes = sizeof(std::uint64_t);

std::size_t record_bytes(std::size_t width) { return sizeof(record_head) + width * sizeof(float) + sum_bytes; }

}  // namespace

embedding_cache::embedding_cache(std::string path, const digest& model, std::size_t width)
    : path_{std::move(path)}, model_{model}, width_{width}, file_{path_, file::mode::append} {
    if (!file_) throw failure{wrong_usage, "--cache: " + path_ + " cannot be read and written: " + std::strerror(errno)};
    lock_output(file_, path_, "--cache: ");
    const std::optional<std::uint64_t> size = file_.size();
    if (!size) throw failure{wrong_usage, "--cache: " + path_ + " is not a regular file"};
    const std::uint64_t whole = read_index();
    if (whole != *size) {
        std::fprintf(stderr, "classify: %s: the last record was incomplete and will be redone\n", terminal_text(path_).c_str());
        if (!file_.truncate(whole)) throw failure{wrong_usage, "--cache: " + path_ + " cannot be repaired: " + std::strerror(errno)};
    }
    reader_ = file{path_, file::mode::read};
    if (!reader_) throw failure{wrong_usage, "--cache: " + path_ + " cannot be read: " + std::strerror(errno)};
    if (whole == 0 && !file_.append(std::string{beginning}))
        throw failure{wrong_usage, "--cache: " + path_ + " cannot be written: " + std::strerror(errno)};
}

// Returns the bytes of the whole records. An incomplete one may end in the zeros that a crash of the machine leaves.
std::uint64_t embedding_cache::read_index() {
    const std::uint64_t size = file_.size().value_or(0);
    const auto read = [&](std::uint64_t at, void* to, std::size_t count) {
        const std::ptrdiff_t got = file_.read_at(at, static_cast<char*>(to), count);
        if (got < 0) throw failure{wrong_usage, "--cache: " + path_ + " cannot be read: " + std::strerror(errno)};
        return static_cast<std::size_t>(got) == count;
    };
    std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(size, beginning.size())), '\0');
    if (!read(0, text.data(), text.size())) text.clear();
    const bool begun = size <= beginning.size() && beginning.starts_with(text.substr(0, text.find('\0')));
    if (text != beginning && !begun)
        throw failure{wrong_usage, "--cache: " + path_ + " exists and is not a cache of embeddings: it is not overwritten"};
    if (text != beginning) return 0;

    std::string record;
    std::uint64_t at = beginning.size();
    while (at < size) {
        record_head head{};
        const bool has_head = size - at >= sizeof head && read(at, &head, sizeof head);
        const bool good = has_head && head.mark == mark && head.width >= 1 && head.width <= widest;
        const std::size_t bytes = good ? record_bytes(head.width) : 0;
        bool whole = good && size - at >= bytes;
        if (whole) {
            record.resize(bytes);
            std::uint64_t sum = 0;
            whole = read(at, record.data(), record.size());
            std::memcpy(&sum, record.data() + bytes - sum_bytes, sum_bytes);
            whole = whole && sum == fnv1a(std::string_view{record}.substr(0, bytes - sum_bytes));
        }
        if (!whole) {
            // Only the last record can be incomplete: what follows is at most a part of one, and zeros.
            const std::size_t max_bytes = good ? bytes : sizeof head - 1;
            for (std::uint64_t from = at + max_bytes; from < size; from += record.size()) {
                record.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size - from, 1U << 20)));
                if (!read(from, record.data(), record.size()) || record.find_first_not_of('\0') != std::string::npos)
                    throw failure{wrong_usage, "--cache: " + path_ + " is damaged at byte " + std::to_string(at) + ": delete it"};
            }
            return at;
        }
        if (head.model == model_ && head.width == width_) index_[{head.photo, head.view}] = at + sizeof head;
        at += bytes;
    }
    return at;
}

bool embedding_cache::find(const digest& photo, std::uint32_t view, std::span<float> out) const {
    const auto found = index_.find({photo, view});
    return found != index_.end() && reader_.read_at(found->second, reinterpret_cast<char*>(out.data()), out.size_bytes()) ==
                                        static_cast<std::ptrdiff_t>(out.size_bytes());
}

void embedding_cache::add(const digest& photo, std::uint32_t view, std::span<const float> embedding) {
    if (!file_) return;
    const record_head head{mark, static_cast<std::uint32_t>(embedding.size()), photo, model_, view, 0};
    std::string record(reinterpret_cast<const char*>(&head), sizeof head);
    record.append(reinterpret_cast<const char*>(embedding.data()), embedding.size_bytes());
    const std::uint64_t sum = fnv1a(record);
    record.append(reinterpret_cast<const char*>(&sum), sizeof sum);
    if (!file_.append(record)) throw failure{some_failed, "--cache: " + path_ + " cannot be written: " + std::strerror(errno)};
}

}  // namespace app
