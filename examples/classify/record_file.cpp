// Opens, locks, repairs and appends.
#include "record_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "failure.hpp"
#include "records.hpp"

namespace app {
namespace {

// "records-{shard}.jsonl" is records-2-of-8.jsonl: mpirun has no shell to write it so.
std::string name_for(std::string path, const std::optional<shard>& part) {
    const std::string place = "{shard}";
    const std::size_t at = path.find(place);
    if (at == std::string::npos) return path;
    if (!part) throw failure{wrong_usage, "--out: {shard} in a name stands for the part of --shard: give both"};
    return path.replace(at, place.size(), part->name());
}

}  // namespace

record_file::record_file(const options& o, const std::optional<shard>& part) : path_{name_for(o.out, part)}, file_{STDOUT_FILENO} {
    if (path_.empty()) return;
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0 && errno != ENOENT && errno != EISDIR && !o.resume)  // a pipe, or a file that may not be read
        file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) throw failure{wrong_usage, "--out: " + path_ + " cannot be written: " + std::strerror(errno)};
    try {
        lock();
        o.resume ? open_again(part) : open_new();
    } catch (...) {
        ::close(file_);
        throw;
    }
}

record_file::~record_file() {
    if (!path_.empty()) ::close(file_);
}

// Two writers would repeat each other's records. The lock goes with its process, however that ends.
void record_file::lock() const {
    struct stat status {};
    if (::fstat(file_, &status) != 0 || !S_ISREG(status.st_mode) || ::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
    if (errno == EWOULDBLOCK) throw failure{wrong_usage, "--out: another process is writing to " + path_};
    std::fprintf(stderr, "classify: warning: %s cannot be locked (%s): see that nobody else writes to it\n", path_.c_str(),
                 std::strerror(errno));
}

void record_file::open_new() {
    struct stat status {};
    if (::fstat(file_, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
        throw failure{wrong_usage, "--out: " + path_ + " exists and is not overwritten; --resume continues it"};
}

void record_file::open_again(const std::optional<shard>& part) {
    struct stat status {};
    if (::fstat(file_, &status) != 0 || !S_ISREG(status.st_mode))
        throw failure{wrong_usage, "--resume: " + path_ + " is no file that could be continued"};
    done_ = done_records{file_, path_, part};
    const auto whole = static_cast<off_t>(done_.whole_bytes());
    if (whole == status.st_size) return;
    std::fprintf(stderr, "classify: %s: its last line was torn, and is done again\n", path_.c_str());
    if (::ftruncate(file_, whole) != 0) throw failure{wrong_usage, "--resume: " + path_ + " cannot be repaired: " + std::strerror(errno)};
}

void record_file::write(const std::string& text) {
    if (path_.empty()) return print(text);
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t written = ::write(file_, text.data() + at, text.size() - at);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) throw failure{some_failed, path_ + " cannot be written: " + std::strerror(errno)};
        at += static_cast<std::size_t>(written);
    }
}

void record_file::finish() {
    if (path_.empty()) return finish_output();
    if (::fsync(file_) != 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS)  // pipes and devices have no disk
        throw failure{some_failed, path_ + " cannot be written: " + std::strerror(errno)};
}

}  // namespace app
