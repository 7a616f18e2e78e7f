// embedding_cache: the file of --cache, which keeps embeddings from one run to the next, by the photo's bytes and the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "common/sha256.hpp"
#include "platform/platform.hpp"

namespace app {

/// The file is only appended to, one whole record at a time, so a run that is killed leaves at most one incomplete record, at the end.
/// Several models may share a file.
class embedding_cache {
public:
    /// No file: finds nothing and keeps nothing.
    embedding_cache() = default;
    /// Opens or creates the file, locks it, cuts off an incomplete record at its end, and indexes the records of the model. Throws failure
    /// (wrong_usage) if the file is not a cache, is damaged, is in use, or cannot be read and written.
    embedding_cache(std::string path, const digest& model, std::size_t width);

    /// Reads the embedding of a view of a photo, `out.size()` values, as found when the file was opened. False if it has none.
    [[nodiscard]] bool find(const digest& photo, std::uint32_t view, std::span<float> out) const;
    /// Appends a record. Throws failure (some_failed) if it cannot be written.
    void add(const digest& photo, std::uint32_t view, std::span<const float> embedding);
    /// Records of the model when the file was opened.
    [[nodiscard]] std::size_t size() const { return index_.size(); }

private:
    using key = std::pair<digest, std::uint32_t>;

    std::uint64_t read_index();

    std::string path_;
    digest model_{};
    std::size_t width_ = 0;
    file file_, reader_;                  // two, since find() and add() may run on two threads, and Windows reads by seeking
    std::map<key, std::uint64_t> index_;  // positions of the values
};

}  // namespace app
