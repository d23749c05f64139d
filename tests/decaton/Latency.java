import com.linecorp.decaton.processor.runtime.ProcessorSubscription;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How long after their time tasks begin to run. A task is the millisecond in which it was due to be put, in eight bytes; zero
 * says that it is for warming up. Prints {@code warm} when enough of those have run, and in the end the mean and the 99th
 * percentile in milliseconds.
 *
 * <p>Arguments: servers, topic, group, tasks to measure, permits a partition, tasks for warming up.
 */
final class Latency {
    private Latency() {}

    public static void main(String[] args) throws Exception {
        int tasks = Integer.parseInt(args[3]);
        long[] late = new long[tasks];
        AtomicInteger measured = new AtomicInteger();
        AtomicLong warming = new AtomicLong(Long.parseLong(args[5]));
        CountDownLatch all = new CountDownLatch(tasks);
        try (ProcessorSubscription subscription = Subscriptions.start(
                args[0], args[1], args[2], Integer.parseInt(args[4]), (context, task) -> {
                    long due = ByteBuffer.wrap(task).getLong();
                    if (due == 0) {
                        if (warming.decrementAndGet() == 0) {
                            System.out.println("warm");
                        }
                        return;
                    }
                    // A task that runs again says nothing new.
                    int at = measured.getAndIncrement();
                    if (at < tasks) {
                        late[at] = System.currentTimeMillis() - due;
                        all.countDown();
                    }
                })) {
            all.await();
        }
        Arrays.sort(late);
        System.out.println(Arrays.stream(late).average().orElse(0) + " " + late[tasks * 99 / 100]);
    }
}
