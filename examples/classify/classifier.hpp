// classifier: images and tensors in, records and .npy rows out, in batches of equal input size.
#pragma once

#include <cvt/cvt.hpp>
#include <cvt/extra/decode.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "attention.hpp"
#include "inputs.hpp"
#include "npy_output.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "records.hpp"

namespace app {

/// The .npy files and the pictures asked for; null where not.
struct output_files {
    /// `input_size` is what --dump-input writes. Throws failure (wrong_usage) when one cannot be written.
    output_files(const options& o, const cvt::config& c, std::optional<cvt::grid> input_size);
    std::unique_ptr<npy_output> logits, embedding, input;
    std::unique_ptr<attention_writer> attention;
};

class classifier {
public:
    /// `take` gets the record of every input, in their order.
    classifier(const options& o, cvt::session& session, output_files& files, std::function<void(const record&)> take,
               progress_bar& progress);

    /// An image: its data, or else the file of its path.
    void add_image(const input& image);
    /// A normalised input (channels, height, width).
    void add_tensor(const std::string& name, cvt::view<const float, 3> input);
    /// An input that failed before it got here.
    void add_failed(const input& failed);
    /// Runs what waits for its batch to be full. Needed after the last input.
    void flush();

    /// Inputs whose records were handed on, and how many of them failed.
    [[nodiscard]] std::size_t done() const { return done_; }
    [[nodiscard]] std::size_t failed() const { return failed_; }
    /// Whether more inputs failed than --max-errors allows. Then no record follows that of the last of them.
    [[nodiscard]] bool stopped() const { return options_.max_errors && failed_ > *options_.max_errors; }

private:
    struct entry {
        record result;
        bool has_row;      // of the batch, in the order of the entries
        cvt::image photo;  // kept while a picture is to be made of it
    };

    void add(entry&& e);
    cvt::view<float, 3> next_row(cvt::grid size);
    cvt::error read_image(const input& image, cvt::image& photo);
    cvt::error forward();
    void run_batch();
    void measure();
    [[nodiscard]] std::size_t attention_width() const;
    void finish(entry& e, std::size_t row);

    const options& options_;
    cvt::session& session_;
    const cvt::config& config_;
    output_files& files_;
    std::function<void(const record&)> take_;
    progress_bar& progress_;

    std::vector<entry> waiting_;     // in input order
    std::size_t rows_ = 0;           // inputs in the batch
    cvt::grid size_;                 // of each of them
    std::vector<float> inputs_;      // (rows, channels, height, width)
    std::vector<float> logits_;      // (rows, classes)
    std::vector<float> embeddings_;  // (rows, width of the last stage)
    std::vector<float> attention_;   // (rows, heads, keys)
    cvt::image_scratch scratch_;
    std::size_t photo_bytes_ = 0;  // of the photos that wait
    std::size_t done_ = 0, failed_ = 0;
};

}  // namespace app
