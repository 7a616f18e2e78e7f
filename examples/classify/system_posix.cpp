// system.hpp on Linux and its like.
#include "system.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "interrupt.hpp"

namespace app {
namespace {

// All of it, by calls that may write less, or nothing because of a signal. An interrupt ends it where who reads may let it wait.
template <class Write, class MayWait>
bool write_all(const char* from, std::size_t count, Write write, MayWait may_wait) {
    for (std::size_t done = 0; done < count;) {
        const ssize_t written = write(from + done, count - done, done);
        if (written < 0 && errno == EINTR && !(interrupt_requested() && may_wait())) continue;
        if (written <= 0) return false;
        done += static_cast<std::size_t>(written);
    }
    return true;
}

// Another process with the same pipe or terminal may have made it one that does not wait; a pipe of ours is one, so that its writer is
// not waited for when it is opened.
std::ptrdiff_t read_some(int descriptor, char* to, std::size_t size, const pastime& meanwhile) {
    constexpr int soon = 2;      // ms, in which a writer that is at work has more: a batch may yet be filled
    constexpr int moment = 500;  // a signal between the look at it and the wait would not end that: so no wait is longer
    for (int patience = soon; !interrupt_requested();) {
        pollfd state{descriptor, POLLIN, 0};
        const int ready = ::poll(&state, 1, patience);
        if (ready > 0) {
            const ssize_t got = ::read(descriptor, to, size);
            if (got >= 0 || (errno != EAGAIN && errno != EINTR)) return got;
        } else if (ready == 0) {
            const waiting came = meanwhile();
            if (came == waiting::over) break;
            patience = came == waiting::idle ? moment : soon;
        }
    }
    errno = EINTR;
    return -1;
}

int flags_of(file::mode how) {
    switch (how) {
        case file::mode::read: return O_RDONLY;
        case file::mode::write: return O_WRONLY | O_CREAT;
        case file::mode::append: return O_RDWR | O_APPEND | O_CREAT;
        case file::mode::append_only: return O_WRONLY | O_APPEND | O_CREAT;
    }
    return 0;
}

}  // namespace

std::filesystem::path path_of(const std::string& text) { return text; }
std::string text_of(const std::filesystem::path& path) { return path.native(); }

// The next file to be opened would take a closed stream's number, and its data with it: --logits the records. Opened the
// wrong way round: using a closed stream stays an error.
void prepare_streams() {
    for (int stream = standard_input; stream <= standard_error; ++stream)
        if (::fcntl(stream, F_GETFD) < 0) static_cast<void>(::open("/dev/null", stream == standard_input ? O_WRONLY : O_RDONLY));
}

bool is_terminal(int stream) { return ::isatty(stream) != 0; }

bool understands_escapes(int stream) {
    const char* kind = std::getenv("TERM");
    return is_terminal(stream) && kind != nullptr && *kind != '\0' && std::string_view{kind} != "dumb";
}

int terminal_width(int stream) {
    winsize size{};
    return ::ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool reader_is_gone(int problem) { return problem == EPIPE; }

bool write_output(std::string_view text) {
    const auto write = [](const char* from, std::size_t rest, std::size_t) {
        for (;;) {
            const ssize_t written = ::write(standard_output, from, rest);
            if (written >= 0 || errno != EAGAIN) return written;
            pollfd state{standard_output, POLLOUT, 0};  // as for reading: it may be one that does not wait
            if (::poll(&state, 1, -1) < 0) return ssize_t{-1};
        }
    };
    return write_all(text.data(), text.size(), write, [] { return true; });
}

std::ptrdiff_t read_input(char* to, std::size_t size, const pastime& meanwhile) { return read_some(standard_input, to, size, meanwhile); }

bool may_write_into(const std::string& folder) { return ::access(folder.c_str(), W_OK | X_OK) == 0; }

// A pipe has to wait for its reader, which an interrupt is to end even when it comes right before that: so open() must not wait.
file::file(const std::string& path, mode how) {
    struct stat status {};
    for (;;) {
        descriptor_ = ::open(path.c_str(), flags_of(how) | O_NONBLOCK | O_CLOEXEC, 0666);
        if (*this || errno != ENXIO || ::stat(path.c_str(), &status) != 0 || !S_ISFIFO(status.st_mode)) break;
        if (interrupt_requested()) {
            errno = EINTR;
            return;
        }
        ::poll(nullptr, 0, 20);
    }
    if (*this && how != mode::read) ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) & ~O_NONBLOCK);
}

file::~file() {
    if (*this) ::close(descriptor_);
}

std::optional<std::uint64_t> file::size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return static_cast<std::uint64_t>(status.st_size);
}

std::ptrdiff_t file::read(char* to, std::size_t count, const pastime& meanwhile) const {
    return read_some(descriptor_, to, count, meanwhile);
}

bool file::skip(std::uint64_t bytes) const { return ::lseek(descriptor_, static_cast<off_t>(bytes), SEEK_CUR) >= 0; }

std::ptrdiff_t file::read_at(std::uint64_t at, char* to, std::size_t count) const {
    for (;;) {
        const ssize_t got = ::pread(descriptor_, to, count, static_cast<off_t>(at));
        if (got >= 0 || errno != EINTR) return got;
    }
}

bool file::write_at(std::uint64_t at, const void* data, std::size_t count) const {
    const auto write = [&](const char* from, std::size_t rest, std::size_t done) {
        return ::pwrite(descriptor_, from, rest, static_cast<off_t>(at + done));
    };
    return write_all(static_cast<const char*>(data), count, write, [] { return false; });
}

std::uint64_t memory_bytes() {
    const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
}

bool file::append(const std::string& text) const {
    const auto write = [&](const char* from, std::size_t rest, std::size_t) { return ::write(descriptor_, from, rest); };
    return write_all(text.data(), text.size(), write, [&] { return !size(); });
}

file::lock_result file::lock() const {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return lock_result::done;
    return errno == EWOULDBLOCK ? lock_result::taken : lock_result::impossible;
}

bool file::truncate(std::uint64_t size) const { return ::ftruncate(descriptor_, static_cast<off_t>(size)) == 0; }

bool file::sync() const {
    return ::fsync(descriptor_) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS;  // pipes and devices have no disk
}

}  // namespace app
