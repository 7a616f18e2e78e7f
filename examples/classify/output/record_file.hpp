// record_file: where records go, standard output or the file of --out, written so that a killed run can be resumed.
#pragma once

#include <cstdint>
#include <string>

#include "options.hpp"
#include "platform/platform.hpp"

namespace app {

class record_file {
public:
    /// Standard output if o.out is empty. Otherwise creates the file, or opens an existing one if --resume is given. The file is locked
    /// against other processes while the object lives. Throws failure (wrong_usage) if it cannot be written, already has records
    /// without --resume, or another process is writing to it.
    explicit record_file(const options& o);
    record_file(const record_file&) = delete;
    record_file& operator=(const record_file&) = delete;

    [[nodiscard]] int descriptor() const { return file_ ? file_.descriptor() : standard_output; }
    /// Cuts off an incomplete record after the first `bytes`, with a note on standard error. Throws failure (wrong_usage).
    void cut_after(std::uint64_t bytes);
    /// All of `text` reaches the system before the function returns. Throws failure (some_failed), for example if the disk is full; a
    /// quiet one if the reader of standard output has gone.
    void write(const std::string& text);
    /// Flushes everything to the disk. Throws as write() does.
    void finish();

private:
    std::string path_;  // empty: standard output
    file file_;
};

/// Writes to standard output and flushes it. Throws failure if that fails, a quiet one if the reader has gone.
void print(const std::string& text);
/// Flushes what stdio has buffered for standard output. Throws as print() does.
void finish_output();

}  // namespace app
