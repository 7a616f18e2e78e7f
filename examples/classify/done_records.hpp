// What an earlier run has written to the file of --out: which inputs are done, and where its last whole record ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "manifest.hpp"
#include "shard.hpp"
#include "system.hpp"

namespace app {

class done_records {
public:
    done_records() = default;
    /// Reads a file of JSON lines, which must stay where it is. A last line that was not written to its end counts for nothing. Throws
    /// failure (wrong_usage) where anything else is no record of classify, or one of an input that this shard does not have.
    done_records(const file& records, const std::string& path, const std::optional<shard>& part);

    /// Whether there is a record of this input; one record serves one input, so that an input given twice has two.
    bool take(const std::string& path, const input_id& id);
    /// Records taken so far, and how many of them say that the input failed.
    [[nodiscard]] std::size_t taken() const { return taken_; }
    [[nodiscard]] std::size_t failed() const { return failed_; }
    /// Bytes of whole records; what is behind them was torn.
    [[nodiscard]] std::uint64_t whole_bytes() const { return whole_bytes_; }

private:
    struct entry {  // 16 bytes a record: ten million of them are no burden
        std::uint64_t hash;
        std::uint64_t at : 62, failed : 1, taken : 1;
    };
    void read_line(const std::string& line, std::size_t number, const std::optional<shard>& part);
    [[nodiscard]] std::string key_at(std::uint64_t at) const;

    const file* file_ = nullptr;
    std::string path_;
    std::vector<entry> entries_;  // by hash, then by place
    std::uint64_t whole_bytes_ = 0;
    std::size_t taken_ = 0, failed_ = 0;
};

}  // namespace app
