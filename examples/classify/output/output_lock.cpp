// output_lock.hpp: throws if the lock is taken, warns if the file system has no locks.
#include "output/output_lock.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "common/failure.hpp"

namespace app {

void lock_output(const file& output, const std::string& path, const std::string& who) {
    const file::lock_result locked = output.size() ? output.lock() : file::lock_result::done;
    if (locked == file::lock_result::done) return;
    if (locked == file::lock_result::taken) throw failure{wrong_usage, who + "another process is writing to " + path};
    std::fprintf(stderr, "classify: warning: %s cannot be locked (%s); make sure that no other process writes to it\n", path.c_str(),
                 std::strerror(errno));
}

}  // namespace app
