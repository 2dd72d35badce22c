// The deadlines of a connection, on the one clock that serves both packages: each lets the event loop turn once more
// before it goes off, so that bytes that arrived while our own process was busy are not taken for silence.

export { PatientAlarm as Alarm } from "@sluice/channels/source";
