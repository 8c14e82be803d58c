/* The program of every benchmark machine, and all there is in its image.
 *
 * machine DELAY PORT   opens PORT after DELAY milliseconds, runs until SIGTERM
 * machine probe PORT   exits 0 when PORT is open: a health check for engines that need a program for it
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void end(int signal) {
    (void)signal;
    _exit(0);
}

int main(int count, char **words) {
    if (count != 3) return 64;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[2]))};
    int one = 1, probe = strcmp(words[1], "probe") == 0, sock = socket(AF_INET, SOCK_STREAM, 0);
    if (probe) {
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return connect(sock, (struct sockaddr *)&address, sizeof address) != 0;
    }
    signal(SIGTERM, end); /* process 1 ignores what it does not handle */
    long delay = atol(words[1]);
    struct timespec pause = {.tv_sec = delay / 1000, .tv_nsec = delay % 1000 * 1000000};
    nanosleep(&pause, NULL);
    setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(sock, (struct sockaddr *)&address, sizeof address) != 0 || listen(sock, 16) != 0) return 1;
    for (;;) {
        int visitor = accept(sock, NULL, NULL);
        if (visitor >= 0) close(visitor);
    }
}
