// Records: one an image, as text, JSON lines or CSV.
#pragma once

#include <cvt/error.hpp>
#include <cvt/top_k.hpp>
#include <string>
#include <vector>

#include "manifest.hpp"
#include "options.hpp"
#include "record_file.hpp"
#include "terminal.hpp"

namespace app {

struct record {
    std::string path;
    input_id id;
    cvt::error problem;            ///< set: the image failed, and the rest below counts for nothing
    std::vector<cvt::ranked> top;  ///< most probable first; empty for a model without a head
    double milliseconds = 0;       ///< from opening the file to the logits; of a batch's forward pass its share
    std::string attention;         ///< the picture of --attention; empty without one
};

class record_writer {
public:
    struct columns {
        bool pictures = false, ids = false;  ///< of CSV, which must say so in its first line
        cvt::scoring scores = cvt::scoring::softmax;
    };

    /// `labels` by class index, empty strings where there are none; `top` classes in every record that did not fail.
    record_writer(record_file& file, record_format format, std::vector<std::string> labels, int top, columns more);

    /// Throws failure as record_file::write does.
    void write(const record& r);

private:
    [[nodiscard]] std::string as_text(const record& r) const;
    [[nodiscard]] std::string as_json(const record& r) const;
    [[nodiscard]] std::string as_csv(const record& r) const;

    record_file& file_;
    record_format format_;
    std::vector<std::string> labels_;
    int top_;
    columns more_;
    paint paint_;
};

/// Writes to standard output and flushes it. Throws failure when that cannot be done, a quiet one when its reader is gone.
void print(const std::string& text);
/// The same for what was written to standard output by other means and may still be in its buffer.
void finish_output();

}  // namespace app
