// resume_index: the inputs that have a record from an earlier run, and where its last whole record ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/input_id.hpp"
#include "platform/platform.hpp"
#include "shard.hpp"

namespace app {

class resume_index {
public:
    resume_index() = default;
    /// Reads a file of JSON lines, and keeps it open: the records of equal hashes are read again. An incomplete last line is ignored.
    /// Throws failure (wrong_usage) if another line is not a record of classify, or belongs to an input outside the shard.
    resume_index(const std::string& path, const std::optional<shard>& part);

    /// Takes the record of this input or chunk; returns false if none is left. One record serves one input: an input that is given twice
    /// has two.
    bool take(const std::string& path, const input_id& id, const std::optional<time_span>& span);
    /// Records taken so far, and how many of them are of failed inputs.
    [[nodiscard]] std::size_t taken() const { return taken_; }
    [[nodiscard]] std::size_t failed() const { return failed_; }
    /// Bytes of whole records. What follows is incomplete.
    [[nodiscard]] std::uint64_t whole_bytes() const { return whole_bytes_; }

private:
    struct entry {  // 16 bytes per record, for runs of ten million
        std::uint64_t hash;
        std::uint64_t at : 62, failed : 1, taken : 1;
    };
    void read_line(const std::string& line, std::size_t number, const std::optional<shard>& part);
    [[nodiscard]] std::string key_at(std::uint64_t at) const;

    file file_;  // one of its own, since another thread appends to the records
    std::string path_;
    std::vector<entry> entries_;  // by hash; of one hash the taken ones first
    std::uint64_t whole_bytes_ = 0;
    std::size_t taken_ = 0, failed_ = 0;
};

}  // namespace app
