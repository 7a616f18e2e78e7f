// embed_photos: computes the embeddings of photos and of views of them, or of chunks of recordings, with the cache.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/input_id.hpp"
#include "common/sha256.hpp"
#include "input/embedding_cache.hpp"
#include "options.hpp"
#include "setup.hpp"

namespace app {

/// The embeddings of the photos, or chunks of recordings, that could be read.
struct embedded_photos {
    struct photo {
        std::size_t index;                             ///< of the photo or recording in the list
        digest bytes{};                                ///< of the file, or of the chunk's samples
        std::optional<time_span> span = std::nullopt;  ///< of the chunk
    };
    struct unread {
        std::size_t index;
        std::string code, message;
        std::optional<time_span> span = std::nullopt;
    };
    std::size_t width = 0;
    std::vector<photo> photos;      ///< in the order of the list
    std::vector<float> embeddings;  ///< (photos, views, width)
    std::vector<unread> failures;
    std::size_t cached = 0;  ///< photos whose views were all in the cache
};

/// Opens the file of --cache for the model; without the option, a cache that keeps nothing. Throws failure.
embedding_cache open_cache(const options& o, const setup& s);

/// Embeds the photos or recordings at `paths`, each photo as `views` views; the first is the photo itself. Failures are also lines on
/// standard error. After an interrupt it ends the program, with one line that says what the cache keeps. Throws failure.
embedded_photos embed_photos(const options& o, const setup& s, const std::vector<std::string>& paths, int views, embedding_cache& cache);

}  // namespace app
