import com.linecorp.decaton.processor.DecatonProcessor;
import com.linecorp.decaton.processor.runtime.ProcessorProperties;
import com.linecorp.decaton.processor.runtime.ProcessorSubscription;
import com.linecorp.decaton.processor.runtime.ProcessorsBuilder;
import com.linecorp.decaton.processor.runtime.Property;
import com.linecorp.decaton.processor.runtime.StaticPropertySupplier;
import com.linecorp.decaton.processor.runtime.SubPartitionRuntime;
import com.linecorp.decaton.processor.runtime.SubscriptionBuilder;
import java.util.Properties;

/** Subscriptions as Decaton's own documentation makes them, with the same bounds as ours. */
final class Subscriptions {
    private Subscriptions() {}

    /** So many permits a partition; none means a virtual thread for each key. */
    static ProcessorSubscription start(
            String servers, String topic, String group, int permits, DecatonProcessor<byte[]> processor) {
        Properties consumer = new Properties();
        consumer.setProperty("bootstrap.servers", servers);
        consumer.setProperty("client.id", group);
        consumer.setProperty("group.id", group);
        consumer.setProperty("auto.offset.reset", "earliest");
        ProcessorsBuilder<byte[]> processors =
                ProcessorsBuilder.consuming(topic, (byte[] bytes) -> bytes).thenProcess(processor);
        return SubscriptionBuilder.newBuilder(group)
                .processorsBuilder(processors)
                .consumerConfig(consumer)
                .properties(StaticPropertySupplier.of(
                        Property.ofStatic(ProcessorProperties.CONFIG_PARTITION_CONCURRENCY, Math.max(1, permits)),
                        Property.ofStatic(ProcessorProperties.CONFIG_LOGGING_MDC_ENABLED, false)))
                .subPartitionRuntime(
                        permits == 0 ? SubPartitionRuntime.VIRTUAL_THREAD : SubPartitionRuntime.THREAD_POOL)
                .buildAndStart();
    }
}
