// record_file.hpp: opens, locks, repairs and appends.
#include "output/record_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "common/failure.hpp"
#include "output/output_lock.hpp"
#include "platform/platform.hpp"

namespace app {
namespace {

[[noreturn]] void output_failed() {
    if (reader_is_gone(errno)) throw failure{broken_pipe, ""};
    if (errno == EINTR) end_if_interrupted();
    throw failure{some_failed, std::string{"standard output cannot be written: "} + std::strerror(errno)};
}

}  // namespace

record_file::record_file(const options& o) : path_{o.out} {
    if (path_.empty()) return;
    // A pipe is opened for writing only: otherwise this process would count as its reader and wait for itself when the other has gone.
    file_ = file{path_, o.resume ? file::mode::append : file::mode::append_only};
    if (!file_) {
        end_if_interrupted();  // opening a pipe waits for its reader
        throw failure{wrong_usage, "--out: " + path_ + " cannot be " + (o.resume ? "read and " : "") + "written: " + std::strerror(errno)};
    }
    lock_output(file_, path_, "--out: ");
    const std::optional<std::uint64_t> size = file_.size();
    if (o.resume && !size) throw failure{wrong_usage, "--resume: " + path_ + " is not a regular file and cannot be continued"};
    if (!o.resume && size.value_or(0) > 0)
        throw failure{wrong_usage, "--out: " + path_ + " exists and is not overwritten" +
                                       (o.format == record_format::jsonl ? "; --resume continues it" : "")};
}

void record_file::cut_after(std::uint64_t bytes) {
    if (file_.size() == bytes) return;
    std::fprintf(stderr, "classify: %s: the last record was incomplete and will be redone\n", path_.c_str());
    if (!file_.truncate(bytes)) throw failure{wrong_usage, "--resume: " + path_ + " cannot be repaired: " + std::strerror(errno)};
}

void record_file::write(const std::string& text) {
    if (path_.empty()) return print(text);
    if (file_.append(text)) return;
    if (errno == EINTR) end_if_interrupted();
    throw failure{some_failed, path_ + " cannot be written: " + std::strerror(errno)};
}

void record_file::finish() {
    if (path_.empty()) return finish_output();
    if (!file_.sync()) throw failure{some_failed, path_ + " cannot be written: " + std::strerror(errno)};
}

void print(const std::string& text) {
    if (!write_output(text)) output_failed();
}

void finish_output() {
    if (std::ferror(stdout) != 0 || std::fflush(stdout) != 0) output_failed();
}

}  // namespace app
