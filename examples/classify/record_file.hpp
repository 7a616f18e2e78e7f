// Where records go: standard output, or the file of --out, written so that a run which is killed can be continued.
#pragma once

#include <optional>
#include <string>

#include "done_records.hpp"
#include "options.hpp"
#include "system.hpp"

namespace app {

class record_file {
public:
    /// Standard output where o.out is empty. Otherwise creates the file, or continues it with --resume: a torn last line is cut
    /// off. The file is locked against other processes while this lives. Throws failure (wrong_usage) when it cannot be written,
    /// holds records already and --resume is not given, or is somebody else's.
    explicit record_file(const options& o);
    record_file(const record_file&) = delete;
    record_file& operator=(const record_file&) = delete;

    [[nodiscard]] int descriptor() const { return file_ ? file_.descriptor() : standard_output; }
    [[nodiscard]] done_records& done() { return done_; }
    /// All of it reaches the system before this returns. Throws failure (some_failed), for example when the disk is full; a
    /// quiet one when the reader of standard output is gone.
    void write(const std::string& text);
    /// All of it reaches the disk, as far as that is known. Throws as write() does.
    void finish();

private:
    void open_new(record_format format);
    void open_again(const std::optional<shard>& part);

    std::string path_;  // empty: standard output
    file file_;
    done_records done_;
};

}  // namespace app
