// Opens, locks, repairs and appends.
#include "record_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "failure.hpp"
#include "interrupt.hpp"
#include "output_lock.hpp"
#include "records.hpp"

namespace app {
record_file::record_file(const options& o) : path_{o.out} {
    if (path_.empty()) return;
    // Who opens a pipe for reading too is its reader, and waits for himself when the other one has gone.
    file_ = file{path_, o.resume ? file::mode::append : file::mode::append_only};
    if (!file_) {
        end_if_interrupted();  // a pipe waits for its reader
        throw failure{wrong_usage, "--out: " + path_ + " cannot be " + (o.resume ? "read and " : "") + "written: " + std::strerror(errno)};
    }
    lock_output(file_, path_, "--out: ");
    o.resume ? open_again(o.shard) : open_new(o.format);
}

void record_file::open_new(record_format format) {
    if (file_.size().value_or(0) > 0)
        throw failure{wrong_usage, "--out: " + path_ + " exists and is not overwritten" +
                                       (format == record_format::jsonl ? "; --resume continues it" : "")};
}

void record_file::open_again(const std::optional<shard>& part) {
    const std::optional<std::uint64_t> size = file_.size();
    if (!size) throw failure{wrong_usage, "--resume: " + path_ + " is no file that could be continued"};
    done_ = done_records{file_, path_, part};
    if (done_.whole_bytes() == *size) return;
    std::fprintf(stderr, "classify: %s: its last line was torn, and is done again\n", path_.c_str());
    if (!file_.truncate(done_.whole_bytes()))
        throw failure{wrong_usage, "--resume: " + path_ + " cannot be repaired: " + std::strerror(errno)};
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

}  // namespace app
