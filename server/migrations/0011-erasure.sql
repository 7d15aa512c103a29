-- Erasing a message forgets what carriers call it: found by the message, whether it went in parts or not.
drop index carrier_message_parts;
create index carrier_message_of on carrier_message (message_id);
